package cbor_test

import (
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	item, err := cbor.FromJSON(nil, []byte(`{"a":{"b":[1],"":"empty"},"kind":"Pod","n":7}`), abi.MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		reason string
		path   []string
		value  string
		text   string
	}{
		{"no path is the item itself", nil, `{"a":{"":"empty","b":[1]},"kind":"Pod","n":7}`, ""},
		{"a key", []string{"kind"}, `"Pod"`, "Pod"},
		{"a key below", []string{"a", "b"}, `[1]`, ""},
		{"an empty key", []string{"a", ""}, `"empty"`, "empty"},
		{"a missing key", []string{"a", "c"}, "", ""},
		{"another letter case", []string{"Kind"}, "", ""},
		{"below text", []string{"kind", "x"}, "", ""},
		{"below a list", []string{"a", "b", "0"}, "", ""},
		{"a number is not text", []string{"n"}, `7`, ""},
	} {
		got := ""
		if value := cbor.Lookup(item, tc.path...); value != nil {
			text, err := cbor.ToJSON(nil, value)
			if err != nil {
				t.Fatal(err)
			}
			got = string(text)
		}
		if text := cbor.TextAt(item, tc.path...); got != tc.value || text != tc.text {
			t.Errorf("%s: got %s and %q, want %s and %q", tc.reason, got, text, tc.value, tc.text)
		}
	}
	if cbor.IsObject(nil) || cbor.TextAt(nil, "a") != "" || cbor.Lookup(nil, "a") != nil {
		t.Error("nothing is an object")
	}
}
