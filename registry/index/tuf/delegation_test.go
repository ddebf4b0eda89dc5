package tuf_test

import (
	"context"
	"strings"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
)

// graph is a repository with delegations and the order in which roles are asked for.
type graph struct {
	delegations []delegation
	visited     string
}

type delegation struct {
	from, to    string
	terminating bool
	paths       []string
}

func (h *harness) delegate(all ...delegation) {
	h.Helper()
	for _, d := range all {
		if d.paths == nil {
			d.paths = []string{"releases/*/*/*"}
		}
		key := tuftest.NewKey(50)
		h.repo.Delegate(d.from, metadata.DelegatedRole{Name: d.to, Terminating: d.terminating, Paths: d.paths}, key)
	}
	h.repo.PublishAll()
}

func TestDelegationOrder(t *testing.T) {
	t.Parallel()
	beta := []string{"releases/beta/*/*"}
	tests := map[string]graph{
		"One":                    {[]delegation{{from: targets, to: "a"}}, "a"},
		"Two":                    {[]delegation{{from: targets, to: "a"}, {from: targets, to: "b"}}, "a b"},
		"Chain":                  {[]delegation{{from: targets, to: "a"}, {from: targets, to: "b"}, {from: "b", to: "c"}}, "a b c"},
		"DepthFirst":             {[]delegation{{from: targets, to: "a"}, {from: targets, to: "b"}, {from: "a", to: "c"}, {from: "a", to: "d"}}, "a c d b"},
		"DepthFirstThree":        {[]delegation{{from: targets, to: "a"}, {from: targets, to: "b"}, {from: "a", to: "c"}, {from: "c", to: "d"}}, "a c d b"},
		"Terminating":            {[]delegation{{from: targets, to: "a"}, {from: targets, to: "b"}, {from: "a", to: "c", terminating: true}, {from: "a", to: "d"}}, "a c"},
		"TerminatingDescendants": {[]delegation{{from: targets, to: "a"}, {from: targets, to: "b"}, {from: "a", to: "c", terminating: true}, {from: "c", to: "d"}}, "a c d"},
		"OtherPaths":             {[]delegation{{from: targets, to: "a", paths: beta}, {from: targets, to: "b"}, {from: "a", to: "c"}}, "b"},
		"OtherPathsThree":        {[]delegation{{from: targets, to: "a"}, {from: targets, to: "b"}, {from: "a", to: "c", paths: beta}, {from: "c", to: "d"}}, "a b"},
		"Cycle":                  {[]delegation{{from: targets, to: "a"}, {from: targets, to: "b"}, {from: "b", to: "c"}, {from: "c", to: "d"}, {from: "d", to: "b"}}, "a b c d"},
		"TwoParents":             {[]delegation{{from: targets, to: "a"}, {from: targets, to: "b"}, {from: "b", to: "c"}, {from: "a", to: "c"}}, "a c b"},
		"TwoParentsOtherPaths":   {[]delegation{{from: targets, to: "a"}, {from: targets, to: "b"}, {from: "b", to: "c"}, {from: "a", to: "c", paths: beta}}, "a b c"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.delegate(tc.delegations...)
			v := h.refresh()
			h.repo.Asked()
			_, err := v.Target(context.Background(), web1)
			h.wants(err, tuf.ErrNotFound, web1)
			var got []string
			for _, file := range h.repo.Asked() {
				got = append(got, strings.TrimSuffix(strings.TrimLeft(file, "0123456789."), ".json"))
			}
			if order := strings.Join(got, " "); order != tc.visited {
				t.Errorf("asked for %q, want %q", order, tc.visited)
			}
		})
	}
}

// TestDelegationSearch looks for targets in a tree of roles.
func TestDelegationSearch(t *testing.T) {
	t.Parallel()
	h := newHarness(t, true)
	h.delegate(
		delegation{from: targets, to: "a", paths: []string{"*.doc", "*.md"}},
		delegation{from: targets, to: "b", paths: []string{"releases/*/*"}},
		delegation{from: "b", to: "c", paths: []string{"releases/x/*"}},
		delegation{from: "b", to: "d", paths: []string{"releases/y/*.zip"}},
	)
	for _, file := range []struct{ role, name string }{
		{targets, "file"}, {"a", "README.md"}, {"c", "releases/x/v1"}, {"d", "releases/y/v1.zip"}, {"d", "releases/z/v1.zip"},
	} {
		h.repo.AddTarget(file.role, file.name, []byte("by "+file.role))
	}
	h.repo.PublishAll()
	for name, want := range map[string]string{
		"file": targets, "README.md": "a", "releases/x/v1": "c", "releases/y/v1.zip": "d",
	} {
		if got := h.download(name); got != "by "+want {
			t.Errorf("%s: %s", name, got)
		}
	}
	h.lacks("releases/z/v1.zip", tuf.ErrNotFound, "does not have it")
}

func TestBins(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.repo.DelegateBins("bin", 4, tuftest.NewKey(50))
	names := []string{web1, web2, api1}
	for _, name := range names {
		h.repo.AddTarget(h.repo.Bin(name), name, []byte(name))
	}
	h.repo.PublishAll()
	for _, name := range names {
		if got := h.download(name); got != name {
			t.Error(got)
		}
	}
}

func TestDelegationNotInSnapshot(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.delegate(delegation{from: targets, to: "a"})
		delete(h.repo.Snapshot.Signed.Meta, "a.json")
		h.repo.PublishSnapshot()
		h.lacks(web1, tuf.ErrMalformed, "a: the snapshot does not name this role")
	})
}
