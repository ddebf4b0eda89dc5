package latticenet_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/latticenet"
)

// FuzzParse reads manifests. What is accepted is written and read again without a difference, has a
// name that is safe everywhere and, unless it is the one that was signed, is not trusted.
func FuzzParse(f *testing.F) {
	trusted := map[string]bool{}
	for _, m := range []*latticenet.Manifest{v1(), v2()} {
		check(f, m.Sign(registrytest.Key(f, acmeSeed), nil))
		payload, err := m.Payload()
		check(f, err)
		trusted[string(payload)] = true
		f.Add(encoded(f, m, nil).document)
	}
	f.Add([]byte(`{"id":"acme.web","name":"a","type":"wasm","capabilities":["kv:read"],"interfaces":[{"service":"acme.web/a","methods":["b"]}],"dependencies":[{"id":"acme.vpn"}]}`))
	f.Add([]byte(`{"id":"acme.web","name":"a","type":"wasm","capabilities":["kv:read"],"bundle":null,"ui":{"views":[{}]},"interfaces":[{"methods":[null]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := latticenet.Parse(data)
		if err != nil {
			return
		}
		again, err := latticenet.Parse(encoded(t, m, nil).document)
		check(t, err)
		if diff := cmp.Diff(m, again); diff != "" {
			t.Error(diff)
		}
		if name := path.Join("/", m.ID, m.Version); strings.ToLower(m.ID) != m.ID || strings.Count(name, "/") > 2 || path.Clean(name) != name {
			t.Errorf("the folder would be %q", name)
		}
		payload, err := m.Payload()
		check(t, err)
		if lines := bytes.Count(payload, []byte("\n")); !m.IsV2() && lines != 8 && lines != 10 {
			t.Errorf("%d lines are signed", lines+1)
		}
		if v, err := policy(t).Verify(data, nil); err == nil && v.KeyID() != "" && !trusted[string(payload)] {
			t.Errorf("an unsigned manifest is trusted: %s", data)
		}
	})
}

// FuzzParsePolicy reads trust policies. What is accepted names each publisher once, with a whole
// key.
func FuzzParsePolicy(f *testing.F) {
	key := base64.StdEncoding.EncodeToString(registrytest.Key(f, acmeSeed).Public().Ed25519)
	f.Add([]byte(`{"trusted_publishers":{"acme":"` + key + `","zeta":"` + strings.TrimRight(key, "=") + `"},"allow_unsigned_host_risk":true}`))
	f.Add([]byte(`{"trusted_publishers":{"acme":null}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := latticenet.ParsePolicy(data)
		if err != nil {
			return
		}
		last := ""
		for _, publisher := range p.Publishers {
			if publisher.ID <= last || len(publisher.Key.Ed25519) != 32 || !bytes.Contains(data, []byte("trusted_publishers")) {
				t.Errorf("%+v", p)
			}
			last = publisher.ID
		}
	})
}

// FuzzCheckRange reads ranges. Parts of a valid range are valid, and it has nothing but what the
// grammar has.
func FuzzCheckRange(f *testing.F) {
	for _, s := range []string{">=0.8.0-alpha.5, <0.9 !=1", "", "*", "1+b", "^1", "1 || 2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if latticenet.CheckRange(s) != nil || strings.Trim(s, " ") == "*" {
			return
		}
		if strings.ContainsAny(s, "^~*|\n\t\"") {
			t.Errorf("%q is accepted", s)
		}
		for _, part := range strings.Split(s, ",") {
			if part = strings.Trim(part, " "); latticenet.CheckRange(part) != nil {
				t.Errorf("%q is accepted, its part %q is not", s, part)
			}
		}
	})
}

// FuzzImport imports bundles that a trusted publisher signed: any bytes, as they are and as a tar
// file. Whatever comes of it is inside of the folder, and either complete or not there.
func FuzzImport(f *testing.F) {
	m := minimal()
	f.Add(tarOf(f, file("ui/x"), folder("y/")), true)
	f.Add(tarOf(f, file(strings.Repeat("a", 150))), true)
	f.Add(paxed(f, record("path", strings.Repeat("a", 150)), "x"), true)
	f.Add(zip(f, tarOf(f)), false)
	f.Fuzz(func(t *testing.T, data []byte, asTar bool) {
		if asTar {
			data = zip(t, data)
		}
		parent := t.TempDir()
		dir := filepath.Join(parent, "plugins")
		v := signed(t, m, data).verify(t)
		imported, err := latticenet.Import(dir, v)
		if err != nil {
			if left := tree(t, parent); len(left) > 0 {
				t.Errorf("files left: %v", left)
			}
			return
		}
		paths, err := latticenet.ArchivePaths(data)
		check(t, err)
		for _, p := range paths {
			if info, err := os.Lstat(filepath.Join(imported.Folder, "bundle", p)); err != nil || info.IsDir() != strings.HasSuffix(p, "/") {
				t.Errorf("%q: %v", p, err)
			}
		}
		entries, err := os.ReadDir(parent)
		check(t, err)
		if len(entries) != 1 {
			t.Errorf("outside of the folder: %v", entries)
		}
		if again, err := latticenet.Import(dir, v); err != nil || !again.Existing {
			t.Errorf("it is not what was imported: %v", err)
		}
	})
}
