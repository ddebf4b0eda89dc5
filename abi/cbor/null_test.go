package cbor_test

import (
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi/cbor"
)

func TestNullPath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":1,"b":[1.5,"null",{"c":true}]}`: "-",
		`null`:                                "",
		`{"a":{"b":[0,{"c":null}]}}`:          "a.b[1].c",
		`["` + strings.Repeat("x", 300) + `",70000,-70000,null]`: "[3]",
		`{"` + strings.Repeat("k", 70000) + `":5e100}`:           "-",
	} {
		raw, err := cbor.FromJSON(nil, []byte(text), 10)
		if err != nil {
			t.Fatal(err)
		}
		path, found := cbor.NullPath(raw)
		if !found {
			path = "-"
		}
		if path != want {
			t.Errorf("%.40s: got %q, want %q", text, path, want)
		}
	}
}
