package release_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/release"
)

func TestReadClaims(t *testing.T) {
	t.Parallel()
	r, key := fixture(t)
	claims, err := release.ReadClaims(r.Bundle)
	if err != nil {
		t.Fatal(err)
	}
	if claims.Digest != r.Digest() || claims.Signatures[0].KeyID != key.ID || len(claims.Signatures[0].Ed25519) != 64 {
		t.Errorf("%+v", claims)
	}
	if diff := cmp.Diff(r.Manifest.CanonicalJSON(), claims.Manifest.CanonicalJSON()); diff != "" {
		t.Error(diff)
	}
	bundle, err := release.ParseBundle(r.Bundle)
	if err != nil {
		t.Fatal(err)
	}
	payload := string(bundle.Payload)
	for name, tc := range map[string]struct{ old, with, says string }{
		"OtherName": {`"name":"` + r.Reference(), `"name":"acme/other@1.0.0`, "subject.0.name"},
		"Digest":    {strings.TrimPrefix(r.Digest(), "sha256:"), "12", "is not 64 lower-case hexadecimal digits"},
		"Manifest":  {`"publisher":"`, `"publisher":"X`, "statement: predicate.manifest: "},
	} {
		changed := registrytest.SetField(t, bundle.Payload, tc.old, tc.with)
		encoded := base64.StdEncoding.EncodeToString(changed)
		document := bytes.Replace(r.Bundle, []byte(base64.StdEncoding.EncodeToString([]byte(payload))), []byte(encoded), 1)
		if _, err := release.ReadClaims(document); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: got %v, want %q", name, err, tc.says)
		}
	}
}
