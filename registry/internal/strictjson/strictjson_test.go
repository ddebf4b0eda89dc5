package strictjson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
)

type document struct {
	Name  string          `json:"name"`
	Items []item          `json:"items"`
	Note  string          `json:"note,omitempty"`
	Raw   json.RawMessage `json:"raw,omitempty"`
}

type item struct {
	Size int64 `json:"size"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason, data, says string
		want               document
	}{
		"Good":          {reason: "White space and order do not matter.", data: ` {"raw": {"b": 1.50, "a": null}, "items": [{"size": 3}], "name": "<&\u00e9\/>"} `, want: document{Name: "<&é/>", Items: []item{{3}}, Raw: json.RawMessage(`{"b": 1.50, "a": null}`)}},
		"Unknown":       {reason: "Not ignored.", data: `{"name":"","items":[],"x":1}`, says: `unknown field "x"`},
		"UnknownInside": {reason: "Not ignored.", data: `{"name":"","items":[{"size":1,"x":1}]}`, says: `unknown field "x"`},
		"Case":          {reason: "Go's decoder would take it.", data: `{"NAME":"","items":[]}`, says: "NAME: must be left out"},
		"CaseTwice":     {reason: "The last one would win.", data: `{"name":"a","Name":"b","items":[]}`, says: "Name: must be left out"},
		"FoldedCase":    {reason: "Go folds the long s to s.", data: `{"name":"","items":[{"ſize":1}]}`, says: "items.0.ſize"},
		"Twice":         {reason: "The last one would win.", data: `{"name":"a","name":"b","items":[]}`, says: "is a duplicate"},
		"Missing":       {reason: "Not assumed.", data: `{"items":[{"size":1}]}`, says: "name: is missing"},
		"Null":          {reason: "Not a value.", data: `{"name":null,"items":[]}`, says: "name: must not be null"},
		"NullInside":    {reason: "Not a value.", data: `{"name":"","items":[{"size":1},null]}`, says: "items.1: must not be null"},
		"EmptyOptional": {reason: "One spelling.", data: `{"name":"","items":[],"note":""}`, says: "note: must be left out"},
		"Float":         {reason: "A size is an integer.", data: `{"name":"","items":[{"size":1.0}]}`, says: "size: unexpected number"},
		"WrongType":     {reason: "A name is text.", data: `{"name":1,"items":[]}`, says: "name: unexpected number"},
		"Overflow":      {reason: "A size has 64 bits.", data: `{"name":"","items":[{"size":9223372036854775808}]}`, says: "size"},
		"NotUTF8":       {reason: "Text is UTF-8.", data: "{\"name\":\"\xff\",\"items\":[]}", says: "UTF-8"},
		"Trailing":      {reason: "One document.", data: `{"name":"","items":[]}{}`, says: "bytes follow"},
		"Deep":          {reason: "Nesting is bounded.", data: `{"name":"","items":[],"raw":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}", says: "nest deeper"},
		"Array":         {reason: "An object.", data: `[]`, says: "the document must be an object"},
		"NullDocument":  {reason: "An object.", data: `null`, says: "the document must be an object, it is null"},
		"Long":          {reason: "Reading is bounded.", data: strings.Repeat(" ", 1001), says: "has 1001 bytes, the limit is 1000"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got document
			err := strictjson.Decode([]byte(tc.data), 1000, &got)
			if tc.says != "" {
				if err == nil || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%s\nwant an error that says %q, got %v", tc.reason, tc.says, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", tc.reason, err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\n%s", tc.reason, diff)
			}
		})
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	got, err := strictjson.Canonical([]byte(` {"b" : [1, 2.0, "\u003c\n"], "a": {"z": null, "y": true}, "aa": -0 } `))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"a":{"y":true,"z":null},"aa":-0.0,"b":[1,2.0,"<\n"]}`, string(got)); diff != "" {
		t.Error(diff)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"name":"a","items":[{"size":1}],"raw":{"x":[null,1.5]}}`))
	f.Add([]byte(`{"Name":"a","items":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second document
		if strictjson.Decode(data, 1<<16, &first) != nil {
			return
		}
		written, err := strictjson.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		canonical, err := strictjson.Canonical(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(canonical), string(written)); diff != "" {
			t.Error(diff)
		}
		if err := strictjson.Decode(written, 1<<17, &second); err != nil {
			t.Error(err)
		}
	})
}
