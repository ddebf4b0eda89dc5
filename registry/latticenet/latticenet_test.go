package latticenet_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/latticenet"
	"github.com/latticenet/lattice-host/registry/latticenet/latticenettest"
	"github.com/latticenet/lattice-host/registry/release"
)

const (
	acmeSeed = 1
	evilSeed = 2
)

// v1 returns a manifest of version 1 that uses every field that one can have, unsigned.
func v1() *latticenet.Manifest {
	return &latticenet.Manifest{
		ID: "acme.web", Name: "Web <& friends>", Type: latticenet.TypeSystem, Capabilities: []string{"task:run", "kv:read"},
		Version: "1.2.0", Entrypoint: "system-go/web", Publisher: "acme",
		UI: ui("table"),
		Interfaces: []latticenet.Interface{{
			Service: "acme.web/sites", Methods: latticenet.Methods{Names: []string{"list", "get"}}, Scopes: []string{"web:read"},
		}},
	}
}

func ui(kind string) *latticenet.UI {
	u := &latticenet.UI{
		Nav: []latticenet.Nav{{
			Section: "extensions", SectionTitle: "Extensions", Title: "Sites", Route: "sites", Icon: "Boxes", Scopes: []string{"web:read"},
		}},
		Views: []latticenet.View{{
			Route: "sites", Title: "Sites", Kind: kind,
			Source:  &latticenet.Source{Interface: "acme.web/sites", Method: "list"},
			Columns: []latticenet.Column{{Key: "name", Label: "Name", Render: "badge"}},
			Actions: []latticenet.Action{{
				Label: "Show", Interface: "acme.web/sites", Method: "get", Scopes: []string{"web:read"},
				Form: []latticenet.FormField{{Key: "kind", Label: "Kind", Kind: "select", Options: []string{"a", "b"}}},
			}},
		}},
	}
	return u
}

// v2 returns a manifest of version 2 that uses every field that one can have, unsigned.
func v2() *latticenet.Manifest {
	m := &latticenet.Manifest{
		Schema: latticenet.SchemaV2, ID: "acme.web", Name: "Web <& friends>", Type: latticenet.TypeSystem,
		Capabilities: []string{"node:read", "http:operator-target", "rpc:call"}, Version: "1.2.0-alpha.1", Publisher: "acme",
		Bundle: &latticenet.Bundle{Format: latticenet.FormatTarGzip},
		Runtime: &latticenet.Runtime{Protocol: latticenet.ProtocolStdioJSON, Entrypoints: map[string]string{
			"linux/arm64": "bin/linux-arm64/plugin", "linux/amd64": "bin/linux-amd64/plugin",
		}},
		UIRuntime:     &latticenet.UIRuntime{Mode: "sandbox", Entrypoint: "ui/index.html", BridgeVersion: "1"},
		Compatibility: &latticenet.Compatibility{Server: ">=0.2.1", DashboardHost: ">=1", RuntimeProtocol: ">=1"},
		MinServer:     "0.2.1",
		HostAccess:    &latticenet.HostAccess{RPC: []latticenet.RPC{{Service: "acme.vpn/nodes", Methods: []string{"export"}}}},
		UI:            ui("table"),
		Interfaces: []latticenet.Interface{{
			Service: "acme.web/sites", Scopes: []string{"web:read"}, Backing: latticenet.BackingCore,
			Methods: latticenet.Methods{Typed: []latticenet.Method{
				{Name: "list", Effect: latticenet.EffectRead},
				{Name: "get", Effect: latticenet.EffectRead, Budget: &latticenet.Budget{TimeoutMS: 10_000, StdoutBytes: 4096, StderrBytes: 1024}},
				{Name: "save", Effect: latticenet.EffectWrite, Scopes: []string{"web:admin"}, OperatorTargetFields: []string{"base_url"}},
			}},
		}},
		Dependencies: []latticenet.Dependency{{ID: "acme.vpn", Version: ">=1.0.0-alpha.2, <2"}, {ID: "acme.dns", Optional: true}},
	}
	m.UI.Views = append(m.UI.Views, latticenet.View{Route: "frame", Title: "Frame", Kind: "sandbox"})
	return m
}

// files are those that v2 names, and one more.
func files() fstest.MapFS {
	return fstest.MapFS{
		"bin/linux-amd64/plugin": {Data: []byte("\x7fELF amd64")},
		"bin/linux-arm64/plugin": {Data: []byte("\x7fELF arm64")},
		"ui/index.html":          {Data: []byte("<html>")},
		"ui/assets/app-1.js":     {Data: []byte("app()")},
		"ui/assets.txt":          {Data: nil},
	}
}

// policy trusts acme.
func policy(t testing.TB) *latticenet.Policy {
	t.Helper()
	return &latticenet.Policy{Publishers: []latticenet.Publisher{{ID: "acme", Key: registrytest.Key(t, acmeSeed).Public()}}}
}

// plugin is a signed one.
type plugin struct{ document, artifact []byte }

func signed(t testing.TB, m *latticenet.Manifest, artifact []byte) plugin {
	t.Helper()
	check(t, m.Sign(registrytest.Key(t, acmeSeed), artifact))
	return encoded(t, m, artifact)
}

func encoded(t testing.TB, m *latticenet.Manifest, artifact []byte) plugin {
	t.Helper()
	document, err := m.Encode()
	check(t, err)
	return plugin{document, artifact}
}

// packed returns v2 with its files.
func packed(t testing.TB, change func(*latticenet.Manifest, fstest.MapFS)) plugin {
	t.Helper()
	m, content := v2(), files()
	if change != nil {
		change(m, content)
	}
	return signed(t, m, pack(t, m, content))
}

func pack(t testing.TB, m *latticenet.Manifest, content fs.FS) []byte {
	t.Helper()
	var programs []string
	for _, path := range m.Runtime.Entrypoints {
		programs = append(programs, path)
	}
	artifact, err := latticenettest.Pack(content, programs...)
	check(t, err)
	return artifact
}

func (p plugin) verify(t testing.TB) *latticenet.Verified {
	t.Helper()
	v, err := policy(t).Verify(p.document, p.artifact)
	check(t, err)
	return v
}

// store imports a plugin and returns its folder.
func (p plugin) store(t testing.TB, dir string) string {
	t.Helper()
	imported, err := latticenet.Import(dir, p.verify(t))
	check(t, err)
	return imported.Folder
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func isNotTrusted(err error) bool { return errors.Is(err, release.ErrNotTrusted) }

// tree returns the paths below dir with their modes and, for files, content; nil when there is no
// dir.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	found := map[string]string{}
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		value := info.Mode().String()
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			value += " " + string(data)
		}
		name, err := filepath.Rel(dir, path)
		found[name] = value
		return err
	}))
	return found
}
