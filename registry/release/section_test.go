package release_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/release"
)

func withSection(wasm []byte, name, content string) []byte {
	body := append(binary.AppendUvarint(nil, uint64(len(name))), name+content...)
	return append(binary.AppendUvarint(append(bytes.Clone(wasm), 0), uint64(len(body))), body...)
}

func TestManifestSection(t *testing.T) {
	t.Parallel()
	empty := registrytest.EmptyModule
	manifest := string(registrytest.Manifest(t, reference).CanonicalJSON())
	tests := map[string]struct {
		reason, wasm, want, says string
	}{
		"One":            {reason: "The section is found between others.", wasm: string(withSection(withSection(withSection([]byte(empty+"\x01\x01\x00"), "name", "x"), "lattice.manifest", "{}"), "y", "")), want: "{}"},
		"PaddedLength":   {reason: "Compilers pad lengths.", wasm: empty + "\x00\x93\x80\x80\x80\x00\x10lattice.manifest{}", want: "{}"},
		"Two":            {reason: "Two manifests leave open which one counts.", wasm: string(withSection(withSection([]byte(empty), "lattice.manifest", "{}"), "lattice.manifest", "{}")), says: "has 2 custom sections"},
		"None":           {reason: "A similar name is another section.", wasm: string(withSection([]byte(empty), "lattice.Manifest", "{}")), says: "has no custom section"},
		"Empty":          {reason: "An empty file is not a module.", wasm: "", says: "not a WebAssembly module"},
		"Component":      {reason: "A component is not a core module.", wasm: "\x00asm\x0d\x00\x01\x00", says: "not a WebAssembly module"},
		"UnknownSection": {reason: "An unknown section may hide anything.", wasm: empty + "\x0e\x00", says: "kind 14"},
		"LongSection":    {reason: "A section ends within the module.", wasm: empty + "\x00\x05\x01a", says: "goes beyond the end"},
		"LongName":       {reason: "A name ends within its section.", wasm: empty + "\x00\x02\x05aaaaaaaaa", says: "goes beyond the end"},
		"NoName":         {reason: "A custom section has a name.", wasm: empty + "\x00\x00", says: "ends early"},
		"CutLength":      {reason: "A length has an end.", wasm: empty + "\x00\x80", says: "ends early"},
		"LongLength":     {reason: "A length has at most five bytes.", wasm: empty + "\x00\x80\x80\x80\x80\x80\x00", says: "not a 32-bit number"},
		"WideLength":     {reason: "A length has at most 32 bits.", wasm: empty + "\x00\xff\xff\xff\xff\x1f", says: "not a 32-bit number"},
		"HugeLength":     {reason: "A length of 4 GiB is beyond the end.", wasm: empty + "\x00\xff\xff\xff\xff\x0f", says: "goes beyond the end"},
		"NameNotUTF8":    {reason: "Names are UTF-8.", wasm: empty + "\x00\x02\x01\xff", says: "not UTF-8"},
		"TooManySections": {
			reason: "Work on headers alone is bounded.", wasm: empty + strings.Repeat("\x01\x00", 4097), says: "more than 4096 sections",
		},
		"TooLarge": {
			reason: "A manifest is bounded.", wasm: string(withSection([]byte(empty), "lattice.manifest", strings.Repeat(" ", abi.MaxManifestBytes+1))), says: "the limit is 65536",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := release.ManifestSection([]byte(tc.wasm))
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("%s: %v", tc.reason, err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("%s\n%s", tc.reason, diff)
			}
		})
	}
	t.Run("Append", func(t *testing.T) {
		t.Parallel()
		module := []byte(empty)
		got, err := release.AppendManifestSection(module, []byte(" "+manifest+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(withSection(module, "lattice.manifest", manifest)), string(got)); diff != "" {
			t.Error(diff)
		}
		if _, err := release.AppendManifestSection(got, []byte(manifest)); err == nil {
			t.Error("a second manifest was appended")
		}
		if _, err := release.AppendManifestSection(module, []byte("{}")); err == nil {
			t.Error("an invalid manifest was appended")
		}
	})
}

func FuzzSections(f *testing.F) {
	r, _ := fixture(f)
	f.Add(r.Wasm)
	f.Add([]byte(registrytest.EmptyModule + "\x00\x93\x80\x80\x80\x00\x10lattice.manifest{}"))
	f.Add([]byte(registrytest.EmptyModule + "\x00\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, wasm []byte) {
		sections, err := release.CustomSections(wasm)
		if err != nil {
			return
		}
		total := len(registrytest.EmptyModule)
		for _, s := range sections {
			total += len(s.Name) + len(s.Content) + 3
		}
		if total > len(wasm) {
			t.Errorf("the sections have %d bytes, the module %d", total, len(wasm))
		}
	})
}
