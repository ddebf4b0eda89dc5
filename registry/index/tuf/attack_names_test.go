package tuf_test

import (
	"strings"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/tuf"
)

// TestAttack36_Names holds names of plugins and versions that leave their folder, that a file
// system takes for others or cannot have, or that people do.
func TestAttack36_Names(t *testing.T) {
	t.Parallel()
	bad := map[string][]string{
		"traversal": {"..", ".", "../web", "web/..", "a/b", `a\b`, "%2e%2e", "/web", "web/", ""},
		"Windows":   {"con", "nul", "aux", "prn", "com1", "com0", "lpt9", "web.", "web ", "c:", "web:x", "con.txt"},
		"Unicode":   {"wеb", "ｗeb", "we\u200bb", "we\u0301b", "web\u202e", "wêb", "\xff"},
		"case":      {"Web", "WEB", "weB"},
		"control":   {"we\nb", "web\x00", "we\tb", "we b"},
		"shape":     {"-web", "web-", "we--b", "1web", "web_1", strings.Repeat("a", 41)},
	}
	for kind, names := range bad {
		for _, name := range names {
			for what, target := range map[string]string{
				"publisher": tuf.ReleaseTarget("acme", "web", "1.0.0"), "plugin": tuf.ReleaseTarget("pub", "acme", "1.0.0"),
				"policy": "policy-bundles/acme.tar",
			} {
				if bad := strings.Replace(target, "acme", name, 1); tuf.ValidTarget(bad) {
					t.Errorf("%s: %q passes as the name of a %s", kind, bad, what)
				}
			}
		}
	}
	for _, version := range []string{
		"", "1", "1.0", "v1.0.0", "1.0.0.0", "01.0.0", "1.0.0-", "1.0.0+", "1.0.0-01", "../1.0.0", "1.0.0/..", `1.0.0\x`, "1.0.0 ", "1.0.0\n",
		"１.0.0", "1.0.0-é", "1.0.0-..", strings.Repeat("1", 61) + ".0.0",
	} {
		if bad := "releases/acme/web/" + version + ".json"; tuf.ValidTarget(bad) {
			t.Errorf("%q passes", bad)
		}
	}
}

// TestAttack60_PolicyBundle serves policies that are older, edited, or signed by those who may only
// release.
func TestAttack60_PolicyBundle(t *testing.T) {
	t.Parallel()
	const policies = "policy-bundles/base.tar"
	open := func(t *testing.T) *harness {
		h := newHarness(t, false)
		h.config.Keep = []string{policies}
		h.delegate(delegation{from: targets, to: "a"})
		h.repo.AddTarget(targets, policies, []byte("permit"))
		h.repo.PublishAll()
		h.refresh()
		h.repo.AddTarget(targets, policies, []byte("forbid"))
		h.repo.PublishAll()
		if got := h.download(policies); got != "forbid" {
			t.Fatal(got)
		}
		return h
	}
	tests := map[string]struct {
		serve func(h *harness)
		kind  error
		says  string
	}{
		"Edited": {func(h *harness) {
			h.repo.AddTarget(targets, policies, []byte("change"))
			h.repo.PublishAll()
			h.repo.Set("targets/"+location(policies, "change"), []byte("permit"))
		}, tuf.ErrMismatch, policies},
		"OlderIndex": {func(h *harness) {
			h.repo.Timestamp.Signed.Version -= 2
			h.repo.PutTimestamp()
		}, tuf.ErrRollback, "timestamp"},
		"OlderTargets": {func(h *harness) {
			h.repo.Roles[targets].Signed.Version--
			h.repo.PutRole(targets)
			h.repo.PublishSnapshot()
		}, tuf.ErrRollback, "snapshot"},
		"Unsigned": {func(h *harness) {
			h.repo.Keys[targets] = nil
			h.repo.AddTarget(targets, policies, []byte("permit"))
			h.repo.PublishAll()
		}, tuf.ErrSignature, "targets: version"},
		"Gone": {func(h *harness) {
			h.repo.AddTarget(targets, policies, []byte("change"))
			h.repo.PublishAll()
			h.repo.Remove("targets/" + location(policies, "change"))
		}, tuf.ErrUnavailable, policies},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			tc.serve(h)
			h.refuse(tc.kind, tc.says)
			// What was verified before stays what is enforced.
			v, err := h.open().Verified()
			h.check(err)
			target, err := v.Target(t.Context(), policies)
			h.check(err)
			if string(target.Data) != "forbid" {
				t.Errorf("%s", target.Data)
			}
		})
	}
	t.Run("ByReleases", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, false)
		h.delegate(delegation{from: targets, to: "a"})
		file, err := metadata.TargetFile().FromBytes(policies, []byte("permit"))
		h.check(err)
		h.repo.Roles["a"].Signed.Targets[policies] = file
		h.repo.PublishAll()
		h.lacks(policies, tuf.ErrNotFound, "does not have it")
		h.lacks(web1, tuf.ErrMalformed, `a: the target "policy-bundles/base.tar" was not delegated to this role`)
	})
}
