package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/market"
)

// TestAskConsent shows who wants what and why, and takes nothing but yes for yes.
func TestAskConsent(t *testing.T) {
	t.Parallel()
	q := market.Question{
		Manifest: &abi.Manifest{Publisher: "acme", Name: "prices", Version: "1.1.0", Capabilities: []abi.Capability{
			{Name: abi.CapabilityHTTPGet, Reason: "to know\x1b[2K prices", Hosts: []string{"a.example", "b.example"}},
			{Name: abi.CapabilityKV, Reason: "to remember"},
		}},
		KeyIDs: []string{"ed25519-0123456789abcdef"}, Index: "main",
		New:     []market.Grant{{Name: abi.CapabilityHTTPGet, Hosts: []string{"b.example"}}, {Name: abi.CapabilityKV}},
		Kept:    []market.Grant{{Name: abi.CapabilityHTTPGet, Hosts: []string{"a.example"}}},
		Dropped: []market.Grant{{Name: abi.CapabilityResourcesRead, Kinds: []string{"Secret"}}},
	}
	const shown = `  + may fetch pages from "b.example", because "to know\x1b[2K prices"
  + may keep a small store of its own, because "to remember"
    may fetch pages from "a.example"
  - may read Secrets in its namespace and beyond, as far as policies allow
agree? [yes/no] `
	for previous, head := range map[string]string{
		"":      "acme/prices@1.1.0, which ed25519-0123456789abcdef signed and the index main lists, wants more than to compute:\n",
		"1.0.0": "acme/prices@1.1.0, which ed25519-0123456789abcdef signed and the index main lists, wants more than 1.0.0:\n",
	} {
		q.Previous = previous
		for answer, want := range map[string]bool{
			"yes\n": true, " YES \n": true, "yes": true, "y\n": true, "no\n": false, "\n": false, "": false, "yes, but\n": false, "\nyes\n": false,
		} {
			var asked bytes.Buffer
			got, err := askConsent(context.Background(), strings.NewReader(answer), &asked, q)
			if err != nil || got != want {
				t.Errorf("%q: %v, %v", answer, got, err)
			}
			if diff := cmp.Diff(head+shown, asked.String()); diff != "" {
				t.Error(diff)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got, err := askConsent(ctx, strings.NewReader("yes\n"), new(bytes.Buffer), q); got && err == nil {
		t.Error("who interrupts does not agree")
	}
}
