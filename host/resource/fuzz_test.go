package resource_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
)

// seeds adds the inputs of the archives with the given name.
func seeds(f *testing.F, name string) {
	f.Helper()
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archives {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range parseArchive(data).files {
			if part.name == name {
				f.Add(part.data)
			}
		}
	}
}

// check decodes data and holds the promises of a document against what comes out.
func check(t *testing.T, data []byte) {
	t.Helper()
	docs, err := resource.Decode("f", data, resource.Options{AllowTags: true})
	if err != nil {
		if !errors.Is(err, problem.Invalid) || err.Error() == "" || docs != nil {
			t.Fatalf("Decode(...) = %v, %v", docs, err)
		}
		return
	}
	for _, d := range docs {
		encoded := d.CBOR()
		if err := cbor.Validate(encoded, abi.MaxDepth); err != nil {
			t.Fatalf("CBOR(): %v", err)
		}
		d.Features()
		d.Position("spec.workload.containers")
		again, err := resource.FromDerived(encoded, resource.Options{AllowTags: true})
		if err != nil {
			t.Fatalf("FromDerived(%s): %v", d.JSON(), err)
		}
		if !bytes.Equal(encoded, again.CBOR()) {
			t.Fatalf("FromDerived(%s) = %s", d.JSON(), again.JSON())
		}
	}
}

func FuzzDecodeYAML(f *testing.F) {
	seeds(f, "input.yaml")
	f.Add([]byte(service("web", "  <<: {replicas: 2}\n")))
	f.Fuzz(check)
}

func FuzzDecodeJSON(f *testing.F) {
	seeds(f, "input.json")
	f.Add([]byte(member("web")))
	f.Fuzz(func(t *testing.T, data []byte) {
		// The first byte decides on the format.
		check(t, append([]byte(" {"), bytes.TrimLeft(data, " {")...))
		check(t, data)
	})
}

func FuzzFromDerived(f *testing.F) {
	docs, err := resource.Decode("f", []byte(service("web", "")), resource.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(docs[0].CBOR()))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := resource.FromDerived(data, resource.Options{})
		if err != nil {
			return
		}
		again, err := resource.FromDerived(d.CBOR(), resource.Options{})
		if err != nil || !bytes.Equal(d.CBOR(), again.CBOR()) {
			t.Fatalf("FromDerived(%s): %v", d.JSON(), err)
		}
	})
}
