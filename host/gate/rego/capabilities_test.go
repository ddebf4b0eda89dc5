//go:build !lattice_norego

package rego

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
)

// TestCapabilities fails when a new version of OPA changes what a rule that loads today can do.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	c, err := capabilities()
	if err != nil {
		t.Fatal(err)
	}
	if c.AllowNet == nil || len(c.AllowNet) > 0 || len(c.FutureKeywords) > 0 {
		t.Errorf("allowed hosts %v, keywords %v, want none", c.AllowNet, c.FutureKeywords)
	}
	if diff := cmp.Diff([]string{"keywords_in_refs", "rego_v1"}, c.Features); diff != "" {
		t.Error(diff)
	}
	known := map[string]*ast.Builtin{}
	for _, b := range ast.CapabilitiesForThisVersion().Builtins {
		known[b.Name] = b
	}
	for i, b := range c.Builtins {
		now := known[b.Name]
		switch {
		case i > 0 && b.Name <= c.Builtins[i-1].Name:
			t.Errorf("%s: the list is not sorted", b.Name)
		case now == nil:
			t.Errorf("%s: OPA has no such builtin", b.Name)
		case now.Nondeterministic || b.Nondeterministic:
			t.Errorf("%s: looks at more than its arguments", b.Name)
		case now.IsDeprecated():
			t.Errorf("%s: is deprecated", b.Name)
		case b.Decl.String() != now.Decl.String():
			t.Errorf("%s: is %s, and in OPA %s", b.Name, b.Decl, now.Decl)
		}
	}
	for _, prefix := range [...]string{"http.", "net.lookup", "net.cidr_e", "net.cidr_m", "net.cidr_contains_", "opa.", "rand.", "uuid.", "io.", "providers.", "crypto.x509.", "graphql.",
		"numbers.range", "json.match", "json.verify", "time.now", "time.clock", "time.date", "yaml.", "rego.parse", "trace", "bits.lsh"} {
		if i := slices.IndexFunc(c.Builtins, func(b *ast.Builtin) bool { return strings.HasPrefix(b.Name, prefix) }); i >= 0 {
			t.Errorf("%s must not be allowed", c.Builtins[i].Name)
		}
	}
}
