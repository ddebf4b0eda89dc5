package market

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/internal/strictjson"
)

// reread checks that what was read is written and read again as it was.
func reread[T any](t *testing.T, v *T, parse func([]byte) (*T, error)) {
	t.Helper()
	data, err := strictjson.MarshalIndent(v)
	if err != nil {
		t.Fatal(err)
	}
	again, err := parse(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if diff := cmp.Diff(v, again); diff != "" {
		t.Error(diff)
	}
}

func FuzzTrust(f *testing.F) {
	f.Add([]byte(`{"version":2,"indexes":[],"publishers":[]}`))
	f.Add([]byte(`{"version":2,"indexes":[{"name":"main","location":"/x","root":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}],"publishers":[null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := parseTrust(data); err == nil {
			reread(t, v, parseTrust)
		}
	})
}

func FuzzReceipt(f *testing.F) {
	f.Add([]byte(`{"version":1,"plugin":"acme/web","index":"main","keyId":"k","capabilities":[{"name":"kv"}],"digest":"sha256:1","grantedAt":"","grantedBy":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := parseReceipt(data); err == nil {
			reread(t, v, parseReceipt)
		}
	})
}

func FuzzStates(f *testing.F) {
	f.Add([]byte(`{"version":1,"plugins":{"acme/web":{"state":"active","since":"2026-01-02T03:04:05Z"}}}`))
	f.Add([]byte(`{"version":1,"plugins":{"../x":{"state":"gone","since":"","failures":-1}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := parseStates(data); err == nil {
			reread(t, v, parseStates)
		}
	})
}

func FuzzPlatform(f *testing.F) {
	f.Add([]byte(`{"version":1,"software":{"KEDA":"2.16.1"}}`))
	f.Add([]byte(`{"version":1,"software":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := parsePlatform(data); err == nil {
			reread(t, v, parsePlatform)
		}
	})
}

func FuzzConsent(f *testing.F) {
	f.Add([]byte("apiVersion: lattice.dev/v1\nkind: Grants\nspec: {plugins: [{plugin: acme/web, capabilities: [{name: kv}]}]}\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ParseConsent("fuzz.yaml", data); err == nil {
			for path := range c.Plugins {
				if _, err := parseRequest(path); err != nil {
					t.Errorf("%q names no plugin", path)
				}
			}
		}
	})
}

func FuzzRequest(f *testing.F) {
	for _, s := range []string{"acme/web@^1", "web@1.2.0", "acme/web@>=1, <2 || 3.x", "@", "a/b@~0.0.1-rc.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseRequest(s)
		if err != nil {
			return
		}
		for _, version := range []string{"1.0.0", "1.0.0-rc.1", "0.0.0"} {
			r.fits(version)
		}
		if r.publisher != "" && r.subject() != s {
			t.Errorf("%q is reported as %q", s, r.subject())
		}
	})
}
