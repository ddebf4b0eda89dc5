package pack

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/registry/release"
)

const manifest = `schema: lattice.manifest.v1
publisher: acme
name: web
version: 1.0.0
abi: 1
encoding: cbor
derives:
- {group: lattice.dev, kind: LatticeService}
limits: {}
`

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const goMod = "module example.com/web\n\ngo 1.26\n"

const guest = "package main\n\n//go:wasmexport lattice_v1_alloc\nfunc alloc(size uint32) uint32 { return size }\n\nfunc main() {}\n"

func TestBuildIsReproducible(t *testing.T) {
	var first []byte
	for range 2 {
		// Another folder: no path may reach the module.
		dir := folder(t, map[string]string{ManifestFile: manifest, "go.mod": goMod, "main.go": guest})
		out := filepath.Join(dir, "out", "web.wasm")
		packed, err := Build(t.Context(), Options{Dir: dir, Out: out, Publisher: "other"})
		if err != nil {
			t.Fatal(err)
		}
		if packed.Manifest.Reference() != "other/web@1.0.0" {
			t.Errorf("packed as %s", packed.Manifest.Reference())
		}
		wasm, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if release.Digest(wasm) != packed.Digest || len(wasm) != packed.Size {
			t.Error("digest or size are not those of the file")
		}
		section, err := release.ManifestSection(wasm)
		if err != nil || !bytes.Equal(section, packed.Manifest.CanonicalJSON()) {
			t.Errorf("the module carries %s, %v", section, err)
		}
		if first != nil && !bytes.Equal(first, wasm) {
			t.Error("the same source gives another module")
		}
		first = wasm
	}
}

func TestBuildFindsTheMainOfAPackage(t *testing.T) {
	dir := folder(t, map[string]string{
		ManifestFile: manifest, "go.mod": goMod, "derive.go": "package web\n", "main.go": "//go:build ignore\n\n" + guest,
	})
	if _, err := Build(t.Context(), Options{Dir: dir, Out: filepath.Join(dir, "web.wasm")}); err != nil {
		t.Fatal(err)
	}
}

func TestBuildTakesAModule(t *testing.T) {
	dir := folder(t, map[string]string{ManifestFile: manifest, "m.wasm": "\x00asm\x01\x00\x00\x00"})
	packed, err := Build(t.Context(), Options{Dir: dir, Module: filepath.Join(dir, "m.wasm"), Out: filepath.Join(dir, "web.wasm")})
	if err != nil {
		t.Fatal(err)
	}
	if packed.Size <= 8 {
		t.Error("the manifest is not in the module")
	}
}

// TestBuildLeavesDevicesAlone writes to a link, so that a mistake does not cost the machine its
// device.
func TestBuildLeavesDevicesAlone(t *testing.T) {
	dir := folder(t, map[string]string{ManifestFile: manifest, "m.wasm": "\x00asm\x01\x00\x00\x00"})
	device := filepath.Join(dir, "device")
	if err := os.Symlink(os.DevNull, device); err != nil {
		t.Fatal(err)
	}
	_, err := Build(t.Context(), Options{Dir: dir, Module: filepath.Join(dir, "m.wasm"), Out: device})
	if err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("got %v", err)
	}
	if info, err := os.Lstat(device); err != nil || info.Mode().IsRegular() {
		t.Errorf("the device is now %v, %v", info, err)
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, tc := range []struct {
		reason string
		files  map[string]string
		option Options
		want   string
		is     error
	}{
		{"a folder without a manifest", nil, Options{}, "needs a manifest", fs.ErrNotExist},
		{"a manifest that is no YAML", map[string]string{ManifestFile: "a: [\n"}, Options{}, ManifestFile + ":1:1: a value is missing", nil},
		{"a manifest with a key twice", map[string]string{ManifestFile: manifest + "name: x\n"}, Options{}, "plugin.yaml:10:1: name: duplicate key, first on line 3", nil},
		{"a manifest with an unknown key", map[string]string{ManifestFile: manifest + "more: x\n"}, Options{}, "plugin.yaml:10:7: more: is not a known field", nil},
		{"a manifest with two mistakes", map[string]string{ManifestFile: strings.NewReplacer("acme", "A", "1.0.0", "1.0.x").Replace(manifest)},
			Options{}, ManifestFile + ":4:10: version: must be", nil},
		{"an invalid publisher", map[string]string{ManifestFile: manifest}, Options{Publisher: "../x"}, "publisher: must be", nil},
		{"source that does not compile", map[string]string{ManifestFile: manifest, "go.mod": goMod, "main.go": "package main\n\nfunc main() { x }\n"},
			Options{}, "undefined: x", ErrBuild},
		{"a package without main", map[string]string{ManifestFile: manifest, "go.mod": goMod, "web.go": "package web\n"},
			Options{}, "has no main.go", ErrBuild},
		{"an invalid module", map[string]string{ManifestFile: manifest, "m.wasm": "text"}, Options{Module: "m.wasm"}, "not a", nil},
	} {
		dir := folder(t, tc.files)
		tc.option.Dir, tc.option.Out = dir, filepath.Join(dir, "out.wasm")
		if tc.option.Module != "" {
			tc.option.Module = filepath.Join(dir, tc.option.Module)
		}
		_, err := Build(t.Context(), tc.option)
		if err == nil || !strings.Contains(err.Error(), tc.want) || tc.is != nil && !errors.Is(err, tc.is) {
			t.Errorf("%s: got %v, want %q", tc.reason, err, tc.want)
		}
		if _, err := os.Stat(tc.option.Out); err == nil {
			t.Errorf("%s: a module was written all the same", tc.reason)
		}
	}
}
