package cbor_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"

	oracle "github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi/cbor"
)

const depth = 64

// The examples of RFC 8949, appendix A, that are in the data model.
func TestAppendMatchesRFC(t *testing.T) {
	for _, tc := range []struct {
		got  []byte
		want string
	}{
		{cbor.AppendInt(nil, 0), "00"},
		{cbor.AppendInt(nil, 23), "17"},
		{cbor.AppendInt(nil, 24), "1818"},
		{cbor.AppendInt(nil, 1000), "1903e8"},
		{cbor.AppendInt(nil, 1000000), "1a000f4240"},
		{cbor.AppendInt(nil, 1000000000000), "1b000000e8d4a51000"},
		{cbor.AppendUint(nil, math.MaxUint64), "1bffffffffffffffff"},
		{cbor.AppendInt(nil, -1), "20"},
		{cbor.AppendInt(nil, -1000), "3903e7"},
		{cbor.AppendFloat(nil, 0), "f90000"},
		{cbor.AppendFloat(nil, math.Copysign(0, -1)), "f98000"},
		{cbor.AppendFloat(nil, 1), "f93c00"},
		{cbor.AppendFloat(nil, 1.1), "fb3ff199999999999a"},
		{cbor.AppendFloat(nil, 65504), "f97bff"},
		{cbor.AppendFloat(nil, 100000), "fa47c35000"},
		{cbor.AppendFloat(nil, 3.4028234663852886e+38), "fa7f7fffff"},
		{cbor.AppendFloat(nil, 1.0e+300), "fb7e37e43c8800759c"},
		{cbor.AppendFloat(nil, 5.960464477539063e-8), "f90001"},
		{cbor.AppendFloat(nil, 0.00006103515625), "f90400"},
		{cbor.AppendFloat(nil, -4.1), "fbc010666666666666"},
		{cbor.AppendBool(nil, true), "f5"},
		{cbor.AppendNull(nil), "f6"},
		{cbor.AppendString(nil, "ü"), "62c3bc"},
		{cbor.AppendArrayHeader(nil, 25), "9819"},
	} {
		if got := hex.EncodeToString(tc.got); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	for _, tc := range []struct{ reason, data, want string }{
		{"nothing", "", "ends early"},
		{"a head without its argument", "19", "ends early"},
		{"text longer than the message", "7818", "beyond the message"},
		{"trailing bytes", "0000", "follow the end"},
		{"an integer that is not shortest", "1800", "shortest form"},
		{"a length that is not shortest", "780161", "shortest form"},
		{"an indefinite length", "9fff", "ends early"},
		{"a byte string", "4100", "byte string is not part"},
		{"a tag", "c000", "tag is not part"},
		{"undefined", "f7", "simple value"},
		{"NaN", "f97e00", "NaN"},
		{"infinity", "f97c00", "NaN and infinities"},
		{"a double that fits a half", "fb3ff0000000000000", "shortest form"},
		{"a key that is a number", "a10000", "key is not text"},
		{"keys out of order", "a2616200616100", "out of order"},
		{"a longer key before a shorter", "a262616100616200", "out of order"},
		{"a key twice", "a2616100616100", "out of order or double"},
		{"text that is not UTF-8", "61ff", "UTF-8"},
		{"a key that is not UTF-8", "a161ff00", "UTF-8"},
		{"an integer below the range", "3bffffffffffffffff", "too small"},
		{"an array count beyond the message", "9affffffff", "beyond the message"},
		{"deep nesting", strings.Repeat("81", depth+1) + "00", "deeper than"},
	} {
		data, err := hex.DecodeString(tc.data)
		if err != nil {
			t.Fatal(err)
		}
		err = cbor.Validate(data, depth)
		if err == nil || !strings.Contains(err.Error(), tc.want) || !cbor.IsMalformed(err) {
			t.Errorf("%s: got %v, want a malformed message with %q", tc.reason, err, tc.want)
		}
	}
}

func TestErrorNamesPath(t *testing.T) {
	data, err := cbor.FromJSON(nil, []byte(`{"a":{"b":[1,{"c":"x"}]}}`), depth)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.Replace(data, []byte("ax"), []byte("a\xff"), 1)
	err = cbor.Validate(data, depth)
	if err == nil || !strings.HasPrefix(err.Error(), "a.b.1.c: ") {
		t.Errorf("got %v, want the path a.b.1.c", err)
	}
}

func TestJSONRoundTrip(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{` { "b" : 1 , "a" : [ true , false , null ] } `, `{"a":[true,false,null],"b":1}`},
		{`{"bb":1,"a":2,"aaa":3}`, `{"a":2,"aaa":3,"bb":1}`},
		{`1`, `1`}, {`1.0`, `1.0`}, {`-0`, `-0.0`}, {`0.0`, `0.0`}, {`1e2`, `100.0`}, {`1e21`, `1e+21`}, {`1e-7`, `1e-07`},
		{`18446744073709551615`, `18446744073709551615`}, {`-9223372036854775808`, `-9223372036854775808`},
		{`0.1`, `0.1`}, {`123456789.125`, `123456789.125`},
		{`"\u00e4\ud83d\ude00\/\n\u0001<>&"`, `"ä😀/\n\u0001<>&"`},
		{`""`, `""`}, {`[]`, `[]`}, {`{}`, `{}`}, {`{"":0}`, `{"":0}`},
	} {
		data, err := cbor.FromJSON(nil, []byte(tc.in), depth)
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		if err := cbor.Validate(data, depth); err != nil {
			t.Errorf("%s: its CBOR is not valid: %v", tc.in, err)
		}
		got, err := cbor.ToJSON(nil, data)
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: got %s, %v, want %s", tc.in, got, err, tc.want)
		}
	}
}

func TestFromJSONRefuses(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{``, "ends early"}, {`{`, "key in double quotes"}, {`[1`, "comma or ]"}, {`[1,]`, "cannot begin"}, {`{"a":1,}`, "key in double quotes"},
		{`{"a" 1}`, "colon"}, {`{"a":1,"a":2}`, "duplicate"}, {`01`, "well-formed"}, {`1.`, "well-formed"}, {`-`, "well-formed"},
		{`18446744073709551616`, "out of range"}, {`-9223372036854775809`, "out of range"}, {`1e999`, "out of range"},
		{"\"a\nb\"", "control character"}, {`"\x"`, `escape`}, {`"\u12"`, "inside text"}, {`"\uZZZZ"`, "hexadecimal"},
		{`"\ud800"`, "surrogate"}, {`"\ud800\u0041"`, "surrogate"}, {"\"\xff\"", "UTF-8"}, {`"a`, "inside text"},
		{`nul`, "want null"}, {`truth`, "want true"}, {`1 2`, "follow the end"}, {`NaN`, "cannot begin"},
		{strings.Repeat("[", depth+1), "deeper than"}, {strings.Repeat(`{"a":`, depth+1), "deeper than"},
	} {
		_, err := cbor.FromJSON(nil, []byte(tc.in), depth)
		if err == nil || !strings.Contains(err.Error(), tc.want) || !cbor.IsMalformed(err) {
			t.Errorf("%.40s: got %v, want a malformed message with %q", tc.in, err, tc.want)
		}
	}
}

// A well-kept library must read what we write, and our decoder what it writes in the same mode.
func TestAgainstLibrary(t *testing.T) {
	const document = `{"name":"orders","replicas":3,"ratio":0.5,"tags":["a","b"],"nested":{"x":{"y":-17}},"on":true,"none":null}`
	ours, err := cbor.FromJSON(nil, []byte(document), depth)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := json.Unmarshal([]byte(document), &want); err != nil {
		t.Fatal(err)
	}
	dec, err := oracle.DecOptions{DefaultMapType: nil}.DecMode()
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := dec.Unmarshal(ours, &read); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(stringKeys(read))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the library reads something else: -want +got\n%s", diff)
	}
	enc, err := oracle.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := enc.Marshal(read)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours, theirs) {
		t.Errorf("the library's deterministic form differs:\n%x\n%x", ours, theirs)
	}
}

// stringKeys makes what the library reads fit for encoding/json.
func stringKeys(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := map[string]any{}
		for k, e := range v {
			m[k.(string)] = stringKeys(e)
		}
		return m
	case map[string]any:
		for k, e := range v {
			v[k] = stringKeys(e)
		}
	case []any:
		for i, e := range v {
			v[i] = stringKeys(e)
		}
	}
	return v
}

func TestMapKeepsOrder(t *testing.T) {
	var m cbor.Map[int]
	for i, key := range []string{"bb", "a", "c", "aaa", "a"} {
		m.Set(key, i)
	}
	want := cbor.Map[int]{{Key: "a", Value: 4}, {Key: "aaa", Value: 3}, {Key: "bb", Value: 0}, {Key: "c", Value: 2}}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if m.Get("nope") != nil || *m.Get("aaa") != 3 {
		t.Error("Get finds the wrong keys")
	}
}

func FuzzFromJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-2.5,"x\u00e4",null,true]}`, `[[[]]]`, `"\ud83d\ude00"`, `1e308`, `{"a":{"b":{}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		data, err := cbor.FromJSON(nil, src, depth)
		if err != nil {
			if !cbor.IsMalformed(err) {
				t.Fatalf("%v is not a malformed-message error", err)
			}
			return
		}
		if !json.Valid(src) {
			t.Fatalf("%q is accepted, but is not JSON", src)
		}
		if err := cbor.Validate(data, depth); err != nil {
			t.Fatalf("%q gives invalid CBOR: %v", src, err)
		}
		text, err := cbor.ToJSON(nil, data)
		if err != nil {
			t.Fatal(err)
		}
		again, err := cbor.FromJSON(nil, text, depth)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q: %s reads back as %x, not %x: %v", src, text, again, data, err)
		}
	})
}

func FuzzValidate(f *testing.F) {
	for _, seed := range []string{"a16161820102", "f93c00", "fb3ff199999999999a", "9fff", "bb00000000ffffffff"} {
		data, _ := hex.DecodeString(seed)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := cbor.Validate(data, depth)
		// The decoder must stay inside the message whatever it holds.
		d := cbor.NewDecoder(data)
		d.Skip()
		if err == nil && d.Finish() != nil {
			t.Fatalf("%x is valid, but cannot be skipped: %v", data, d.Err())
		}
		text, jsonErr := cbor.ToJSON(nil, data)
		if err != nil {
			return
		}
		if jsonErr != nil {
			t.Fatalf("%x is valid, but has no JSON form: %v", data, jsonErr)
		}
		back, err := cbor.FromJSON(nil, text, depth)
		if err != nil || !bytes.Equal(back, data) {
			t.Fatalf("%x became %s and came back as %x: %v", data, text, back, err)
		}
	})
}

func BenchmarkFromJSON(b *testing.B) {
	src := []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"x":"y"}},"data":{"k":"v"}}`)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = cbor.FromJSON(dst[:0], src, depth)
	}
}
