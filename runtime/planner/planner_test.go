package planner

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/executortest"
	"github.com/latticenet/lattice-host/wasm-tests/golden"
)

// TestTable writes out what the table says about every combination that can occur, so that a change
// of a row shows every combination that it changes.
func TestTable(t *testing.T) {
	t.Parallel()
	intents := []struct {
		intent  intent
		name    string
		owners  owner
		content content
	}{
		{put, "put", anyOwner, anyContent},
		{drop, "drop", owned, nothing | obstacle | written | foreign},
		{revoke, "revoke", owned, nothing | obstacle | written | foreign},
		{leave, "leave", held, nothing | obstacle | written | foreign},
	}
	owners := map[owner]string{unowned: "unowned", owned: "owned", held: "held"}
	contents := map[content]string{
		nothing: "nothing", obstacle: "obstacle", desired: "desired", unrecorded: "unrecorded", written: "written", foreign: "foreign",
	}
	var got strings.Builder
	for _, i := range intents {
		for o := owner(1); o <= held; o <<= 1 {
			for c := content(1); c <= foreign; c <<= 1 {
				if i.owners&o == 0 || i.content&c == 0 || o == unowned && c&(desired|unrecorded|written) != 0 {
					continue
				}
				fmt.Fprintf(&got, "%s %s %s:", i.name, owners[o], contents[c])
				for _, force := range []bool{false, true} {
					v, ok := decide(i.intent, o, c, force)
					if !ok {
						t.Errorf("no rule for %s %s %s", i.name, owners[o], contents[c])
					}
					action := string(v.action)
					if action == "" {
						action = "CONFLICT"
					}
					if force {
						got.WriteString(" | force:")
					}
					fmt.Fprintf(&got, " %s: %s", action, v.reason)
				}
				got.WriteString("\n")
			}
		}
	}
	golden.Check(t, "testdata/table.txt", got.String())
	for n, r := range table {
		used := false
		for i := put; i <= leave; i <<= 1 {
			for o := owner(1); o <= held; o <<= 1 {
				for c := content(1); c <= foreign; c <<= 1 {
					v, ok := decide(i, o, c, false)
					used = used || ok && v == r.verdict
				}
			}
		}
		if !used {
			t.Errorf("row %d decides nothing", n)
		}
	}
}

// item returns an object of a resource in a place that is named like it.
func item(resource, key, digest string) Item {
	name := resource + "-" + key
	return Item{
		Object: executortest.ConfigMap(name), Resource: executortest.Resource(resource), Stage: 1, Where: name, Digest: digest,
	}
}

// TestMake plans against a target in memory.
func TestMake(t *testing.T) {
	t.Parallel()
	target := map[string]Found{"web-a": {Digest: "1"}, "web-b": {Digest: "theirs"}, "old-a": {Digest: "1"}}
	in := Input{
		Draft: runtime.Plan{Set: "shop", Target: "test", Cause: runtime.Cause{Verb: runtime.VerbApply}},
		Set:   &Set{Name: "shop", Exists: true},
		Want:  []Item{item("web", "c", "2"), item("web", "a", "2")},
		Wrote: []Item{item("web", "a", "1"), item("old", "a", "1")},
		Look:  func(i *Item) (Found, error) { return target[i.Where], nil },
	}
	plan, err := Make(in)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range plan.Changes {
		got = append(got, string(c.Action)+" "+c.Where+" "+c.Before+"→"+c.After)
	}
	if diff := cmp.Diff([]string{"update web-a 1→2", "create web-c →2", "delete old-a 1→"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	in.Want = append(in.Want, item("web", "b", "2"))
	target["old-a"] = Found{Obstacle: "a folder"}
	_, err = Make(in)
	want := "web-b: ConfigMap media/web-b: was not written by lattice-host; remove it, or replace it with force\n" +
		"old-a: ConfigMap media/old-a: is a folder; remove it"
	if !errors.Is(err, runtime.ErrConflict) || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	in.Look = func(*Item) (Found, error) { return Found{}, os.ErrPermission }
	if _, err := Make(in); !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v, want what looking gave", err)
	}
}

// TestState checks that a plan's state follows from what is in its places, and from the record.
func TestState(t *testing.T) {
	t.Parallel()
	state := func(found, record string) string {
		p, err := Make(Input{
			Draft: runtime.Plan{Set: "shop", Target: "test", Force: true}, Set: &Set{Name: "shop"}, Want: []Item{item("web", "a", "2")},
			Look: func(*Item) (Found, error) { return Found{Digest: found}, nil }, Record: record,
		})
		if err != nil {
			t.Fatal(err)
		}
		return p.State
	}
	first := state("1", "a")
	if again := state("1", "a"); again != first {
		t.Errorf("equal targets have the states %s and %s", first, again)
	}
	if first == state("2", "a") || first == state("1", "b") {
		t.Error("the state does not follow from the target and the record")
	}
}

// TestDraft checks what a request makes of a set: keeping, holding, pruning and going back.
func TestDraft(t *testing.T) {
	t.Parallel()
	api, web := executortest.Bundle(t, "api", "1", "a"), executortest.Bundle(t, "web", "1", "a")
	all := []runtime.Bundle{api, web}
	set := &Set{
		Name: "shop", Target: "/srv", Exists: true, Bundles: runtime.Recorded(all),
		Load: func(list []runtime.RevisionBundle) ([]runtime.Bundle, error) { return all[:len(list)], nil },
		History: func() ([]runtime.Revision, error) {
			return []runtime.Revision{{Number: 3, Bundles: runtime.Recorded(all)}, {Number: 2, Bundles: runtime.Recorded(all[:1])}}, nil
		},
	}
	missing := &Set{Name: "shop", Target: "/srv"}
	resource := func(names ...string) (refs []abi.Ref) {
		for _, n := range names {
			refs = append(refs, executortest.Resource(n))
		}
		return refs
	}
	tests := map[string]struct {
		draft      func() (runtime.Plan, error)
		have, hold []abi.Ref
		err        string
	}{
		"Apply": {draft: func() (runtime.Plan, error) { return set.Apply(&runtime.Desired{Set: "shop", Bundles: all[1:]}) }, have: resource("web")},
		"ApplyKeep": {draft: func() (runtime.Plan, error) {
			return set.Apply(&runtime.Desired{Set: "shop", Bundles: all[1:], Keep: true})
		}, have: resource("api", "web")},
		"ApplyHold": {
			draft: func() (runtime.Plan, error) {
				return set.Apply(&runtime.Desired{Set: "shop", Bundles: all[1:], Hold: resource("api", "none")})
			},
			have: resource("api", "web"), hold: resource("api"),
		},
		"Prune":        {draft: func() (runtime.Plan, error) { return set.Prune(resource("web"), runtime.Options{}) }, have: resource("api"), hold: resource("api")},
		"PruneMissing": {draft: func() (runtime.Plan, error) { return set.Prune(resource("none"), runtime.Options{}) }, err: "the set shop does not have "},
		"Destroy":      {draft: func() (runtime.Plan, error) { return set.Destroy(runtime.Options{}) }},
		"DestroyNone":  {draft: func() (runtime.Plan, error) { return missing.Destroy(runtime.Options{}) }, err: "/srv: no set shop in this target"},
		"Rollback":     {draft: func() (runtime.Plan, error) { return set.Rollback(2, runtime.Options{}) }, have: resource("api")},
		"RollbackFar":  {draft: func() (runtime.Plan, error) { return set.Rollback(1, runtime.Options{}) }, err: "/srv: the set shop has no revision 1 to go back to; it has 3, 2"},
		"RevokeMissing": {draft: func() (runtime.Plan, error) {
			return missing.Apply(&runtime.Desired{Set: "shop", Hold: resource("api"), Revoke: resource("api")})
		}, err: "/srv: no set shop in this target"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			draft, err := test.draft()
			if test.err != "" {
				if !errors.Is(err, runtime.ErrNotFound) || !strings.HasPrefix(err.Error(), test.err) {
					t.Fatalf("got %v, want %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.have, runtime.ResourcesOf(draft.Bundles, nil)); diff != "" {
				t.Errorf("bundles: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(test.hold, draft.Hold); diff != "" {
				t.Errorf("held: -want +got\n%s", diff)
			}
		})
	}
}
