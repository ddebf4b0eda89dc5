package cbor_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	oracle "github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi/cbor"
)

// every has a field of every kind, inner the two that matter inside others.
type every struct {
	ID      string
	On      bool
	Ratio   float64
	Count   int64
	Free    cbor.Raw
	One     inner
	May     *inner
	Limit   *int64
	Ready   *bool
	Names   []string
	Ports   []int64
	Raws    []cbor.Raw
	Several []inner
	Labels  cbor.Map[string]
	Blobs   cbor.Map[cbor.Raw]
	Inners  cbor.Map[inner]
	// LongKey has a key whose length is not in its initial byte.
	LongKey string
}

type inner struct {
	Name string
	Size int64
}

func makeInners(old unsafe.Pointer, used, capacity int) unsafe.Pointer {
	values := make([]inner, capacity)
	copy(values, unsafe.Slice((*inner)(old), used))
	return unsafe.Pointer(unsafe.SliceData(values))
}

func makeInnerEntries(old unsafe.Pointer, used, capacity int) unsafe.Pointer {
	values := make([]cbor.Entry[inner], capacity)
	copy(values, unsafe.Slice((*cbor.Entry[inner])(old), used))
	return unsafe.Pointer(unsafe.SliceData(values))
}

func innerType() *cbor.Type {
	return &cbor.Type{Kind: cbor.KindStruct, Required: 1, Fields: []cbor.Field{
		{Key: "dname", Offset: unsafe.Offsetof(inner{}.Name), Kind: cbor.KindText},
		{Key: "dsize", Offset: unsafe.Offsetof(inner{}.Size), Kind: cbor.KindInt, Optional: true},
	}}
}

func everyType() *cbor.Type {
	in := innerType()
	pointer := &cbor.Type{Kind: cbor.KindPointer, Elem: in, Make: makeInners}
	list := &cbor.Type{Kind: cbor.KindList, Size: unsafe.Sizeof(inner{}), Elem: in, Make: makeInners}
	inners := &cbor.Type{Kind: cbor.KindMap, Size: unsafe.Sizeof(cbor.Entry[inner]{}), Elem: in, Make: makeInnerEntries}
	var x every
	return &cbor.Type{Kind: cbor.KindStruct, Required: 1, Fields: []cbor.Field{
		{Key: "bid", Offset: unsafe.Offsetof(x.ID), Kind: cbor.KindText},
		{Key: "bon", Offset: unsafe.Offsetof(x.On), Kind: cbor.KindBool, Optional: true},
		{Key: "cmay", Offset: unsafe.Offsetof(x.May), Kind: cbor.KindPointer, Type: pointer, Optional: true},
		{Key: "cone", Offset: unsafe.Offsetof(x.One), Kind: cbor.KindStruct, Type: in},
		{Key: "dfree", Offset: unsafe.Offsetof(x.Free), Kind: cbor.KindRaw, Optional: true},
		{Key: "draws", Offset: unsafe.Offsetof(x.Raws), Kind: cbor.KindList, Type: &cbor.RawList, Optional: true},
		{Key: "eblobs", Offset: unsafe.Offsetof(x.Blobs), Kind: cbor.KindMap, Type: &cbor.RawMap, Optional: true},
		{Key: "ecount", Offset: unsafe.Offsetof(x.Count), Kind: cbor.KindInt, Optional: true},
		{Key: "elimit", Offset: unsafe.Offsetof(x.Limit), Kind: cbor.KindPointer, Type: &cbor.IntPointer, Optional: true},
		{Key: "enames", Offset: unsafe.Offsetof(x.Names), Kind: cbor.KindList, Type: &cbor.TextList, Optional: true},
		{Key: "eports", Offset: unsafe.Offsetof(x.Ports), Kind: cbor.KindList, Type: &cbor.IntList, Optional: true},
		{Key: "eratio", Offset: unsafe.Offsetof(x.Ratio), Kind: cbor.KindFloat},
		{Key: "eready", Offset: unsafe.Offsetof(x.Ready), Kind: cbor.KindPointer, Type: &cbor.BoolPointer, Optional: true},
		{Key: "finners", Offset: unsafe.Offsetof(x.Inners), Kind: cbor.KindMap, Type: inners, Optional: true},
		{Key: "flabels", Offset: unsafe.Offsetof(x.Labels), Kind: cbor.KindMap, Type: &cbor.TextMap, Optional: true},
		{Key: "gseveral", Offset: unsafe.Offsetof(x.Several), Kind: cbor.KindList, Type: list, Optional: true},
		{
			Key:    "x" + string(rune(len(longKey))) + longKey,
			Offset: unsafe.Offsetof(x.LongKey), Kind: cbor.KindText, Optional: true,
		},
	}}
}

const longKey = "a key of more than twenty-three letters"

// theirs is what the library makes of the same value.
func (x *every) theirs(t *testing.T) []byte {
	t.Helper()
	object := map[string]any{"id": x.ID, "one": x.One.theirs(), "ratio": x.Ratio}
	set := func(key string, present bool, value any) {
		if present {
			object[key] = value
		}
	}
	raws := []oracle.RawMessage{}
	for _, r := range x.Raws {
		raws = append(raws, oracle.RawMessage(r))
	}
	several := []any{}
	for _, i := range x.Several {
		several = append(several, i.theirs())
	}
	labels, blobs, inners := map[string]any{}, map[string]any{}, map[string]any{}
	for _, e := range x.Labels {
		labels[e.Key] = e.Value
	}
	for _, e := range x.Blobs {
		blobs[e.Key] = oracle.RawMessage(e.Value)
	}
	for _, e := range x.Inners {
		inners[e.Key] = e.Value.theirs()
	}
	set("on", x.On, x.On)
	set("count", x.Count != 0, x.Count)
	set("free", len(x.Free) > 0, oracle.RawMessage(x.Free))
	if x.May != nil {
		object["may"] = x.May.theirs()
	}
	set("limit", x.Limit != nil, x.Limit)
	set("ready", x.Ready != nil, x.Ready)
	set("names", len(x.Names) > 0, x.Names)
	set("ports", len(x.Ports) > 0, x.Ports)
	set("raws", len(raws) > 0, raws)
	set("several", len(several) > 0, several)
	set("labels", len(labels) > 0, labels)
	set("blobs", len(blobs) > 0, blobs)
	set("inners", len(inners) > 0, inners)
	set(longKey, x.LongKey != "", x.LongKey)
	mode, err := oracle.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	data, err := mode.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (i *inner) theirs() map[string]any {
	object := map[string]any{"name": i.Name}
	if i.Size != 0 {
		object["size"] = i.Size
	}
	return object
}

// filled returns a value whose lists and maps have n items. Its keys are of several lengths, so
// that the two orders of keys differ.
func filled(n int) *every {
	limit, ready := int64(n), n%2 == 0
	x := &every{
		ID: "x", On: true, Ratio: 2.5, Count: -7, Free: cbor.AppendInt(nil, 1000), One: inner{"one", 1}, May: &inner{"may", 2},
		Limit: &limit, Ready: &ready, LongKey: strings.Repeat("ü", 300),
	}
	for i := range n {
		key := strconv.Itoa(i * i)
		x.Names = append(x.Names, key)
		x.Ports = append(x.Ports, int64(i)<<i%40)
		x.Raws = append(x.Raws, cbor.AppendString(nil, key))
		x.Several = append(x.Several, inner{key, int64(i)})
		x.Labels.Set(key, "label")
		x.Blobs.Set(key, cbor.AppendBool(nil, i%2 == 0))
		x.Inners.Set(key, inner{key, int64(i)})
	}
	return x
}

func TestTypeAgainstLibrary(t *testing.T) {
	for _, n := range []int{0, 1, 2, 15, 16, 17, 63, 64, 65, 200} {
		x := filled(n)
		ours := everyType().AppendStruct([]byte("kept"), unsafe.Pointer(x))
		if want := append([]byte("kept"), x.theirs(t)...); !bytes.Equal(ours, want) {
			t.Fatalf("%d items: got\n%x\nthe library writes\n%x", n, ours, want)
		}
		var back every
		d := cbor.NewDecoder(ours[len("kept"):])
		everyType().DecodeStruct(d, unsafe.Pointer(&back))
		if err := d.Finish(); err != nil {
			t.Fatalf("%d items: %v", n, err)
		}
		if diff := cmp.Diff(x, &back); diff != "" {
			t.Errorf("%d items: -want +got\n%s", n, diff)
		}
	}
}

// Lists share room: what is appended to one must not reach into the next.
func TestListsEndWhereTheyEnd(t *testing.T) {
	x := filled(3)
	var back every
	d := cbor.NewDecoder(everyType().AppendStruct(nil, unsafe.Pointer(x)))
	everyType().DecodeStruct(d, unsafe.Pointer(&back))
	back.Names = append(back.Names, "more")
	back.Labels = append(back.Labels, cbor.Entry[string]{Key: "more"})
	if diff := cmp.Diff(x.Labels, back.Labels[:3]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff(x.Names, back.Names[:3]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTypeRefuses(t *testing.T) {
	for _, tc := range []struct{ json, want string }{
		{`[]`, "byte 0: want an object, got an array"},
		{`{"one":{"name":"n"},"ratio":1.0}`, "the field id is missing"},
		{`{"id":"x","one":{"size":1}}`, "one: the field name is missing"},
		{`{"id":7}`, "id: want a string, got an integer"},
		{`{"id":"x","several":[{"name":"a"},{"name":false}]}`, "several.1.name: want a string, got a boolean"},
		{`{"id":"x","names":["a",null]}`, "names.1: want a string, got null"},
		{`{"id":"x","labels":{"a":"1","b":2}}`, "labels.b: want a string, got an integer"},
		{`{"id":"x","inners":{"a":{"name":1}}}`, "inners.a.name: want a string, got an integer"},
		{`{"id":"x","inners":{"a":{"name":"1"},"b":{"name":"1","size":"2"}}}`, "inners.b.size: want an integer, got a string"},
		{`{"id":"x","` + longKey + `":1}`, longKey + ": want a string, got an integer"},
		{`{"id":"x","may":[]}`, "may: want an object, got an array"},
	} {
		data, err := cbor.FromJSON(nil, []byte(tc.json), depth)
		if err != nil {
			t.Fatal(err)
		}
		var x every
		d := cbor.NewDecoder(data)
		everyType().DecodeStruct(d, unsafe.Pointer(&x))
		if err := d.Finish(); err == nil || !strings.HasSuffix(err.Error(), tc.want) || !cbor.IsMalformed(err) {
			t.Errorf("%s: got %v, want %s", tc.json, err, tc.want)
		}
	}
}

func TestTypeRefusesKeysOutOfOrder(t *testing.T) {
	text := func(s string) string { return string(cbor.AppendString(nil, s)) }
	for _, keys := range [][]string{{"on", "id"}, {"id", "id"}, {"zz", "aa"}, {"id", "zzz", "on"}, {"id", "aaaa", "aaaa"}} {
		message := string(cbor.AppendObjectHeader(nil, len(keys)))
		for _, key := range keys {
			message += text(key)
			if key == "id" {
				message += text("x")
			} else {
				message += "\xf5"
			}
		}
		var x every
		d := cbor.NewDecoder([]byte(message))
		everyType().DecodeStruct(d, unsafe.Pointer(&x))
		if err := d.Err(); err == nil || !strings.Contains(err.Error(), "out of order or double") {
			t.Errorf("%q: got %v, want an error about the order", keys, err)
		}
	}
}

func TestUnknownAndNullKeys(t *testing.T) {
	data, err := cbor.FromJSON(nil, []byte(`{"id":"x","on":null,"one":{"name":"n","extra":[1]},"ratio":1.0,"zzz":{"a":1},"may":null}`), depth)
	if err != nil {
		t.Fatal(err)
	}
	var x every
	d := cbor.NewDecoder(data)
	everyType().DecodeStruct(d, unsafe.Pointer(&x))
	if err := d.Finish(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"extra", "zzz"}, d.UnknownKeys()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if x.May != nil || x.On || x.One.Name != "n" {
		t.Errorf("got %+v", x)
	}
}

func TestOmit(t *testing.T) {
	data, err := cbor.FromJSON(nil, []byte(`{"id":"x","labels":{"a":"b"},"one":{"name":"n"},"ratio":1.0,"names":["kept"]}`), depth)
	if err != nil {
		t.Fatal(err)
	}
	var x every
	d := cbor.NewDecoder(data)
	d.Omit(&cbor.TextMap)
	everyType().DecodeStruct(d, unsafe.Pointer(&x))
	if err := d.Finish(); err != nil {
		t.Fatal(err)
	}
	if len(x.Labels) > 0 || len(x.Names) != 1 {
		t.Errorf("got labels %v and names %v, want the maps left out only", x.Labels, x.Names)
	}
}

func FuzzType(f *testing.F) {
	f.Add(filled(0).seed())
	f.Add(filled(3).seed())
	f.Add([]byte("\xa1bid\x7b\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\xa2bidax" + "gseveral\x9a\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		// A guest reads without validating first: whatever arrives must not take it outside the
		// message.
		var x every
		d := cbor.NewDecoder(data)
		everyType().DecodeStruct(d, unsafe.Pointer(&x))
		if d.Finish() != nil || cbor.Validate(data, depth) != nil {
			return
		}
		written := everyType().AppendStruct(nil, unsafe.Pointer(&x))
		if err := cbor.Validate(written, depth); err != nil {
			t.Fatalf("%x was read, but written as %x: %v", data, written, err)
		}
		var again every
		d = cbor.NewDecoder(written)
		everyType().DecodeStruct(d, unsafe.Pointer(&again))
		if err := d.Finish(); err != nil {
			t.Fatalf("%x: %v", written, err)
		}
		if !bytes.Equal(written, everyType().AppendStruct(nil, unsafe.Pointer(&again))) {
			t.Fatalf("%x: written twice, the bytes differ", data)
		}
	})
}

func (x *every) seed() []byte { return everyType().AppendStruct(nil, unsafe.Pointer(x)) }
