package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/latticenet/lattice-host/registry/latticenet"
	"github.com/latticenet/lattice-host/registry/latticenet/latticenettest"
	"github.com/latticenet/lattice-host/registry/release"
)

// makeLatticeNet makes a folder with signed plugins of the LatticeNet server, good and bad, and two
// trust policies:
//
//	policy.json, strangers.json       trusts acme; trusts somebody else
//	web.json, web.bundle              a good plugin of version 2
//	newer.json, newer.bundle          its next version
//	plain.json, plain.artifact        an unsigned plugin of version 1, without host risk
//	evil.json                         web.json, changed after it was signed
//	escape.json, escape.bundle        a signed bundle with an entry that leads out
//	missing.json, missing.bundle      a signed bundle without the files that its manifest names
func makeLatticeNet(dir string) error {
	key, err := release.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{1}, 32)))
	if err != nil {
		return err
	}
	f := latticeNetFolder{dir: dir, key: key}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	content := fstest.MapFS{"bin/web": {Data: []byte("\x7fELF")}, "ui/index.html": {Data: []byte("<html>")}}
	web, err1 := latticenettest.Pack(content, "bin/web")
	content["README"] = &fstest.MapFile{}
	newer, err2 := latticenettest.Pack(content, "bin/web")
	empty, err3 := latticenettest.Pack(fstest.MapFS{"README": {}})
	escape, err4 := escapingBundle()
	return errors.Join(err1, err2, err3, err4,
		f.policy("policy.json", "acme"), f.policy("strangers.json", "zeta"),
		f.signed("web", "1.2.0", web), f.signed("newer", "1.3.0", newer),
		f.signed("missing", "1.2.0", empty), f.signed("escape", "1.2.0", escape), f.evil(), f.plain(),
	)
}

type latticeNetFolder struct {
	dir string
	key release.PrivateKey
}

func (f latticeNetFolder) write(name string, data []byte) error {
	return os.WriteFile(filepath.Join(f.dir, name), data, 0o644)
}

func (f latticeNetFolder) policy(name, publisher string) error {
	key := base64.StdEncoding.EncodeToString(f.key.Public().Ed25519)
	data, err := json.Marshal(map[string]any{"trusted_publishers": map[string]string{publisher: key}})
	return errors.Join(err, f.write(name, data))
}

func (f latticeNetFolder) signed(name, version string, bundle []byte) error {
	m := &latticenet.Manifest{
		Schema: latticenet.SchemaV2, ID: "acme.web", Name: "Web", Type: latticenet.TypeSystem, Version: version, Publisher: "acme",
		Capabilities:  []string{"node:read", "kv:write", "task:run"},
		Bundle:        &latticenet.Bundle{Format: latticenet.FormatTarGzip},
		Runtime:       &latticenet.Runtime{Protocol: latticenet.ProtocolStdioJSON, Entrypoints: map[string]string{"linux/amd64": "bin/web"}},
		UIRuntime:     &latticenet.UIRuntime{Mode: "sandbox", Entrypoint: "ui/index.html", BridgeVersion: "1"},
		Compatibility: &latticenet.Compatibility{Server: ">=0.2.1", DashboardHost: ">=1", RuntimeProtocol: ">=1"},
	}
	if err := m.Sign(f.key, bundle); err != nil {
		return err
	}
	return errors.Join(f.manifest(name+".json", m), f.write(name+".bundle", bundle))
}

func (f latticeNetFolder) manifest(name string, m *latticenet.Manifest) error {
	document, err := m.Encode()
	return errors.Join(err, f.write(name, document))
}

// evil is web with a capability more.
func (f latticeNetFolder) evil() error {
	document, err := os.ReadFile(filepath.Join(f.dir, "web.json"))
	return errors.Join(err, f.write("evil.json", bytes.Replace(document, []byte(`"kv:write"`), []byte(`"secret:read"`), 1)))
}

func (f latticeNetFolder) plain() error {
	m := &latticenet.Manifest{ID: "acme.plain", Name: "Plain", Type: latticenet.TypeWorker, Version: "1", Capabilities: []string{"kv:read"}}
	return errors.Join(f.manifest("plain.json", m), f.write("plain.artifact", []byte("export default {}")))
}

// escapingBundle returns a bundle with an entry outside of its folder.
func escapingBundle() ([]byte, error) {
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	t := tar.NewWriter(zipped)
	err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "../escaped"})
	err = errors.Join(err, t.Close(), zipped.Close())
	return b.Bytes(), err
}
