package main

import (
	"bytes"
	"testing"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// The fleet has to grow in proportion: no one in it may ask for everybody.
func TestNoGeneratedServiceIsOpenToEveryone(t *testing.T) {
	const n = 50
	docs, err := spread(n)
	if err != nil {
		t.Fatal(err)
	}
	if len(docs) != n {
		t.Fatalf("got %d documents, want %d", len(docs), n)
	}
	removed := 0
	for seed, doc := range docs {
		if bytes.Contains(builtins.Generate(uint64(seed)), []byte(`"advertise"`)) {
			removed++
		}
		if cbor.Lookup(doc.CBOR(), "spec", "advertise") != nil {
			t.Errorf("%s says who may call it", doc.Object())
		}
	}
	if removed == 0 {
		t.Error("no generated document had anything to remove, so that this test shows nothing")
	}
}
