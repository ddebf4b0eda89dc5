package release_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/release"
)

// TestAddSignature: each person signs on their own, in any order, and what comes out is the same.
func TestAddSignature(t *testing.T) {
	t.Parallel()
	r, ann := fixture(t)
	bob, eve := registrytest.Key(t, 2), registrytest.Key(t, 3)
	add := func(key release.PrivateKey, bundle []byte) []byte {
		t.Helper()
		with, err := release.AddSignature(key, r.Wasm, bundle)
		if err != nil {
			t.Fatal(err)
		}
		return with
	}
	first, err := release.Sign(bob, r.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	both := add(bob, r.Bundle)
	if diff := cmp.Diff(string(both), string(add(ann, add(ann, first)))); diff != "" {
		t.Errorf("the order matters:\n%s", diff)
	}
	for line := range bytes.Lines(both) {
		// Each line is what one person would have written.
		if line = bytes.TrimSpace(line); !bytes.Equal(line, first) && !bytes.Equal(line, r.Bundle) {
			t.Errorf("a line is not a bundle: %s", line)
		}
	}
	keys := []release.PublicKey{ann.Public(), bob.Public(), eve.Public()}
	for name, tc := range map[string]struct {
		bundle []byte
		rule   release.Rule
		says   string
	}{
		"Both":          {both, release.Rule{Keys: keys, Threshold: 2}, ""},
		"AmongOthers":   {add(registrytest.Key(t, 4), both), release.Rule{Keys: keys, Threshold: 2}, ""},
		"One":           {r.Bundle, release.Rule{Keys: keys, Threshold: 2}, "1 valid signature of the 2 that it must have, by " + ann.ID},
		"Three":         {both, release.Rule{Keys: keys, Threshold: 3}, "2 valid signatures of the 3"},
		"ZeroThreshold": {both, release.Rule{Keys: keys}, "0 valid signatures would trust anybody"},
		"Negative":      {both, release.Rule{Keys: keys, Threshold: -1}, "would trust anybody"},
		"TwoIDs": {
			// The same key under an id of another's choice.
			append(append(bytes.Clone(r.Bundle), '\n'), registrytest.SetField(t, r.Bundle, ann.ID, "ed25519-0000000000000000")...),
			release.Rule{Keys: append([]release.PublicKey{{ID: "ed25519-0000000000000000", Ed25519: ann.Public().Ed25519}}, keys...), Threshold: 2},
			"must have the id " + ann.ID,
		},
	} {
		want := r.Want()
		want.Rule = tc.rule
		m, err := release.Verify(tc.bundle, r.Wasm, want)
		if tc.says == "" && err != nil || tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("%s: %v, want %q", name, err, tc.says)
		}
		if m != nil && len(m.Signers()) != 2 {
			t.Errorf("%s: signed by %v", name, m.Signers())
		}
	}
	other := registrytest.Sign(t, ann, registrytest.Manifest(t, "acme/other@1.0.0"))
	if _, err := release.AddSignature(bob, other.Wasm, r.Bundle); err == nil || !strings.Contains(err.Error(), "of another module") {
		t.Error(err)
	}
	if _, err := release.ParseBundle(append(append(bytes.Clone(r.Bundle), '\n'), other.Bundle...)); err == nil || !strings.Contains(err.Error(), "is another statement") {
		t.Error(err)
	}
	many := bytes.Join(times(r.Bundle, release.MaxSignatures+1), []byte("\n"))
	if _, err := release.ParseBundle(many); err == nil || !strings.Contains(err.Error(), "has more than 32 signatures") {
		t.Error(err)
	}
}

func times(b []byte, n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = b
	}
	return all
}
