// Package executortest is what every executor must pass, whatever its target.
package executortest

import (
	"context"

	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/runtime"
)

// Target is an executor with a fresh, empty target, and the hands of somebody else who works on
// that target.
type Target interface {
	// Executor returns an executor for the target, a new one each time.
	Executor(t *testing.T) runtime.Executor
	// Objects returns the value of each ConfigMap that is in the target, no matter who wrote it.
	Objects(t *testing.T) map[abi.Ref]string
	// Change changes an object that is there, Remove removes one, and Place writes one that the
	// executor may write later.
	Change(t *testing.T, object abi.Ref)
	Remove(t *testing.T, object abi.Ref)
	Place(t *testing.T, object abi.Ref)
}

const set = "shop"

// Run runs the suite. Fresh returns a new target.
func Run(t *testing.T, fresh func(t *testing.T) Target) {
	tests := map[string]func(*harness){
		"PlanWritesNothing":      planWritesNothing,
		"ApplyAgain":             applyAgain,
		"Update":                 update,
		"OtherBundleSameObjects": otherBundleSameObjects,
		"RemovedDocument":        removedDocument,
		"Keep":                   keep,
		"Hold":                   hold,
		"HoldOnly":               holdOnly,
		"Shared":                 shared,
		"SharedHeld":             sharedHeld,
		"Revoke":                 revoke,
		"RevokeOnly":             revokeOnly,
		"RevokeRefused":          revokeRefused,
		"Compare":                compare,
		"Prune":                  prune,
		"PruneOthersAlone":       pruneOthersAlone,
		"Destroy":                destroy,
		"Rollback":               rollback,
		"Missing":                missing,
		"Modified":               modified,
		"Foreign":                foreign,
		"StalePlan":              stalePlan,
		"NotApproved":            notApproved,
		"Refused":                refused,
		"NothingThere":           nothingThere,
		"Cancelled":              cancelled,
		"Progress":               progress,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := fresh(t)
			test(&harness{T: t, Target: target, executor: target.Executor(t)})
		})
	}
}

type harness struct {
	*testing.T
	Target
	executor runtime.Executor
}

func (h *harness) check(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// fails checks that an error is of a kind.
func (h *harness) fails(what string, err, kind error) {
	h.Helper()
	if !errors.Is(err, kind) {
		h.Errorf("%s: got %v, want %v", what, err, kind)
	}
}

func (h *harness) plan(bundles ...runtime.Bundle) *runtime.Plan {
	h.Helper()
	p, err := h.executor.Plan(h.Context(), &runtime.Desired{Set: set, Bundles: bundles})
	h.check(err)
	return p
}

// do approves and applies a plan.
func (h *harness) do(p *runtime.Plan, err error) *runtime.Result {
	h.Helper()
	h.check(err)
	r, err := h.executor.Apply(h.Context(), p, runtime.Approve(p, "decision-1"), runtime.ApplyOptions{})
	h.check(err)
	return r
}

func (h *harness) apply(bundles ...runtime.Bundle) *runtime.Result {
	h.Helper()
	return h.do(h.plan(bundles...), nil)
}

// has checks which ConfigMaps there are, as pairs of a name and a value.
func (h *harness) has(pairs ...string) {
	h.Helper()
	want := map[abi.Ref]string{}
	for pair := range slices.Chunk(pairs, 2) {
		want[ConfigMap(pair[0])] = pair[1]
	}
	if diff := cmp.Diff(want, h.Objects(h.T)); diff != "" {
		h.Errorf("the target is not as it should be: -want +got\n%s", diff)
	}
}

// actions checks what a plan does, as pairs of an action and a name.
func (h *harness) actions(p *runtime.Plan, want ...string) {
	h.Helper()
	var got []string
	for _, c := range p.Changes {
		got = append(got, string(c.Action), c.Object.Name)
		if c.Reason == "" || c.Where == "" {
			h.Errorf("a change is incomplete: %+v", c)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		h.Errorf("-want +got\n%s", diff)
	}
}

func (h *harness) presence(want ...string) {
	h.Helper()
	status, err := h.executor.Observe(h.Context(), set)
	h.check(err)
	var got []string
	for _, o := range status.Objects {
		got = append(got, o.Object.Name, string(o.Presence))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		h.Errorf("-want +got\n%s", diff)
	}
}

func planWritesNothing(h *harness) {
	one := Bundle(h, "web", "1", "a", "b")
	p := h.plan(one)
	h.actions(p, "create", "web-a", "create", "web-b")
	h.has()
	if again := h.plan(one); again.Digest != p.Digest {
		h.Errorf("two plans of the same have the digests %s and %s", p.Digest, again.Digest)
	}
	if other := h.plan(Bundle(h, "web", "2", "a", "b")); other.Digest == p.Digest {
		h.Error("plans of different bundles have the same digest")
	}
}

func applyAgain(h *harness) {
	one, two := Bundle(h, "api", "1", "a"), Bundle(h, "web", "1", "a")
	if r := h.apply(two, one); r.Revision != 1 {
		h.Errorf("got revision %d, want 1", r.Revision)
	}
	h.has("api-a", "1", "web-a", "1")
	h.executor = h.Executor(h.T)
	p := h.plan(one, two)
	h.actions(p, "unchanged", "api-a", "unchanged", "web-a")
	if !p.Empty() {
		h.Error("the plan is not empty")
	}
	if r := h.do(p, nil); r.Revision != 1 {
		h.Errorf("got revision %d, want 1", r.Revision)
	}
	h.presence("api-a", "present", "web-a", "present")
}

func update(h *harness) {
	h.apply(Bundle(h, "web", "1", "a", "b"))
	p := h.plan(Bundle(h, "web", "2", "b", "c"))
	h.actions(p, "update", "web-b", "create", "web-c", "delete", "web-a")
	if r := h.do(p, nil); r.Revision != 2 {
		h.Errorf("got revision %d, want 2", r.Revision)
	}
	h.has("web-b", "2", "web-c", "2")
}

func otherBundleSameObjects(h *harness) {
	one := Bundle(h, "web", "1", "a")
	h.apply(one)
	content := one.Content.Content
	content.SettingsDigest = bundle.Digest([]byte("other"))
	other := runtime.BundleOf(bundle.New(content))
	p := h.plan(other)
	h.actions(p, "unchanged", "web-a")
	if p.Empty() || h.do(p, nil).Revision != 2 {
		h.Error("another bundle makes a revision, though the objects are the same")
	}
	status, err := h.executor.Observe(h.Context(), set)
	h.check(err)
	if diff := cmp.Diff([]runtime.RevisionBundle{{Resource: Resource("web"), Digest: other.Digest()}}, status.Bundles); diff != "" {
		h.Errorf("-want +got\n%s", diff)
	}
}

func removedDocument(h *harness) {
	api, web := Bundle(h, "api", "1", "a"), Bundle(h, "web", "1", "a", "b")
	h.apply(api, web)
	h.Place(h.T, ConfigMap("other"))
	p := h.plan(api)
	h.actions(p, "unchanged", "api-a", "delete", "web-b", "delete", "web-a")
	h.do(p, nil)
	h.has("api-a", "1", "other", "theirs")
}

func keep(h *harness) {
	h.apply(Bundle(h, "api", "1", "a"), Bundle(h, "web", "1", "a"))
	p, err := h.executor.Plan(h.Context(), &runtime.Desired{Set: set, Bundles: []runtime.Bundle{Bundle(h, "web", "2", "b")}, Keep: true})
	h.do(p, err)
	h.has("api-a", "1", "web-b", "2")
}

func prune(h *harness) {
	h.apply(Bundle(h, "api", "1", "a"), Bundle(h, "web", "1", "a"))
	p, err := h.executor.Prune(h.Context(), set, []abi.Ref{Resource("web")}, runtime.Options{})
	h.check(err)
	h.has("api-a", "1", "web-a", "1")
	h.do(p, nil)
	h.has("api-a", "1")
	_, err = h.executor.Prune(h.Context(), set, []abi.Ref{Resource("api"), Resource("web")}, runtime.Options{})
	h.fails("a resource that is gone", err, runtime.ErrNotFound)
	h.do(h.executor.Prune(h.Context(), set, []abi.Ref{Resource("api")}, runtime.Options{}))
	h.has()
	h.presence()
}

func destroy(h *harness) {
	h.apply(Bundle(h, "api", "1", "a"))
	h.apply(Bundle(h, "api", "2", "a"), Bundle(h, "web", "1", "a"))
	h.Place(h.T, ConfigMap("other"))
	p, err := h.executor.Destroy(h.Context(), set, runtime.Options{})
	h.check(err)
	h.actions(p, "delete", "web-a", "delete", "api-a")
	if r := h.do(p, nil); r.Revision != 0 {
		h.Errorf("got revision %d, want 0", r.Revision)
	}
	h.has("other", "theirs")
	h.presence()
	revisions, err := h.executor.History(h.Context(), set)
	if err != nil || len(revisions) > 0 {
		h.Errorf("got %v, %v", revisions, err)
	}
	_, err = h.executor.Destroy(h.Context(), set, runtime.Options{})
	h.fails("what does not exist", err, runtime.ErrNotFound)
}

func rollback(h *harness) {
	one, two := Bundle(h, "web", "1", "a", "b"), Bundle(h, "web", "2", "b", "c")
	h.apply(one)
	h.apply(two)
	p, err := h.executor.Rollback(h.Context(), set, 1, runtime.Options{})
	h.check(err)
	h.has("web-b", "2", "web-c", "2")
	h.do(p, nil)
	h.has("web-a", "1", "web-b", "1")
	revisions, err := h.executor.History(h.Context(), set)
	h.check(err)
	var causes []string
	for _, r := range revisions {
		causes = append(causes, r.Cause.String())
		if r.Time.IsZero() || r.Objects != 2 || r.Plan == "" {
			h.Errorf("a revision is incomplete: %+v", r)
		}
	}
	if diff := cmp.Diff([]string{"rollback to 1", "apply", "apply"}, causes); diff != "" {
		h.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"decision-1"}, revisions[0].Decisions); diff != "" {
		h.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff([]runtime.RevisionBundle{{Resource: Resource("web"), Digest: one.Digest()}}, revisions[0].Bundles); diff != "" {
		h.Errorf("-want +got\n%s", diff)
	}
	_, err = h.executor.Rollback(h.Context(), set, 7, runtime.Options{})
	h.fails("a revision that never was", err, runtime.ErrNotFound)
}

func missing(h *harness) {
	one := Bundle(h, "web", "1", "a", "b")
	h.apply(one)
	h.Remove(h.T, ConfigMap("web-a"))
	h.presence("web-a", "missing", "web-b", "present")
	p := h.plan(one)
	h.actions(p, "create", "web-a", "unchanged", "web-b")
	h.do(p, nil)
	h.has("web-a", "1", "web-b", "1")
	h.Remove(h.T, ConfigMap("web-a"))
	h.apply(Bundle(h, "web", "1", "b"))
	h.has("web-b", "1")
}

func modified(h *harness) {
	one, two, without := Bundle(h, "web", "1", "a", "b"), Bundle(h, "web", "2", "a", "b"), Bundle(h, "web", "1", "b")
	h.apply(one)
	h.Change(h.T, ConfigMap("web-a"))
	h.presence("web-a", "modified", "web-b", "present")
	for name, b := range map[string]runtime.Bundle{"the same": one, "an update": two, "a removal": without} {
		_, err := h.executor.Plan(h.Context(), &runtime.Desired{Set: set, Bundles: []runtime.Bundle{b}})
		h.fails(name, err, runtime.ErrConflict)
	}
	_, err := h.executor.Destroy(h.Context(), set, runtime.Options{})
	h.fails("the end", err, runtime.ErrConflict)
	h.has("web-a", "theirs", "web-b", "1")

	force := runtime.Options{Force: true}
	p, err := h.executor.Plan(h.Context(), &runtime.Desired{Set: set, Bundles: []runtime.Bundle{two}, Options: force})
	h.do(p, err)
	h.has("web-a", "2", "web-b", "2")
	h.Change(h.T, ConfigMap("web-a"))
	h.do(h.executor.Destroy(h.Context(), set, force))
	h.has()
}

func foreign(h *harness) {
	h.Place(h.T, ConfigMap("web-a"))
	one := Bundle(h, "web", "1", "a", "b")
	_, err := h.executor.Plan(h.Context(), &runtime.Desired{Set: set, Bundles: []runtime.Bundle{one}})
	h.fails("an object of somebody else", err, runtime.ErrConflict)
	h.has("web-a", "theirs")
	p, err := h.executor.Plan(h.Context(), &runtime.Desired{Set: set, Bundles: []runtime.Bundle{one}, Options: runtime.Options{Force: true}})
	h.do(p, err)
	h.has("web-a", "1", "web-b", "1")
}

// stalePlan changes the target between a plan and its apply.
func stalePlan(h *harness) {
	one, two, three := Bundle(h, "web", "1", "a"), Bundle(h, "web", "2", "a"), Bundle(h, "web", "3", "a", "b")
	tests := []struct {
		name   string
		change func()
	}{
		{"another apply", func() { h.apply(three) }},
		{"an object changed", func() { h.Change(h.T, ConfigMap("web-a")) }},
		{"an object removed", func() { h.Remove(h.T, ConfigMap("web-a")) }},
		{"an object appeared", func() { h.apply(one); h.Place(h.T, ConfigMap("web-b")) }},
	}
	for _, tc := range tests {
		h.forced(one)
		plan := h.plan(three)
		if tc.name == "another apply" {
			plan = h.plan(two)
		}
		tc.change()
		before := h.Objects(h.T)
		_, err := h.executor.Apply(h.Context(), plan, runtime.Approve(plan, "decision-1"), runtime.ApplyOptions{})
		h.fails(tc.name, err, runtime.ErrConflict)
		if diff := cmp.Diff(before, h.Objects(h.T)); diff != "" {
			h.Errorf("%s: something was written\n%s", tc.name, diff)
		}
	}
}

func (h *harness) forced(b runtime.Bundle) {
	h.Helper()
	p, err := h.executor.Plan(h.Context(), &runtime.Desired{Set: set, Bundles: []runtime.Bundle{b}, Options: runtime.Options{Force: true}})
	h.do(p, err)
}

// compare checks what people are shown of a plan.
func compare(h *harness) {
	h.apply(Bundle(h, "web", "old", "a", "b", "c"))
	p := h.plan(Bundle(h, "web", "new", "b", "d"))
	p.Changes = append([]runtime.Change{{Action: runtime.Unchanged}}, p.Changes...)
	var got []string
	h.check(h.executor.Compare(h.Context(), p, func(c *runtime.Change, before, after []byte) error {
		for _, text := range []string{string(before), string(after)} {
			switch {
			case text == "":
				got = append(got, "-")
			case strings.Contains(text, c.Object.Name) && strings.Contains(text, "old"):
				got = append(got, "old")
			case strings.Contains(text, c.Object.Name) && strings.Contains(text, "new"):
				got = append(got, "new")
			default:
				got = append(got, text)
			}
		}
		return nil
	}))
	if diff := cmp.Diff([]string{"old", "new", "-", "new", "old", "-", "old", "-"}, got); diff != "" {
		h.Errorf("-want +got\n%s", diff)
	}
	h.has("web-a", "old", "web-b", "old", "web-c", "old")
	stop := errors.New("stop")
	h.fails("a visitor that ends it", h.executor.Compare(h.Context(), p, func(*runtime.Change, []byte, []byte) error { return stop }), stop)
}

// notApproved applies what is not exactly what was judged.
func notApproved(h *harness) {
	h.apply(Bundle(h, "web", "1", "a", "b"))
	tests := map[string]func(p *runtime.Plan, a *runtime.Approval) *runtime.Approval{
		"no approval":  func(*runtime.Plan, *runtime.Approval) *runtime.Approval { return nil },
		"no decision":  func(_ *runtime.Plan, a *runtime.Approval) *runtime.Approval { a.Decisions = nil; return a },
		"an empty id":  func(_ *runtime.Plan, a *runtime.Approval) *runtime.Approval { a.Decisions = []string{""}; return a },
		"another plan": func(_ *runtime.Plan, a *runtime.Approval) *runtime.Approval { a.Plan = a.Bundles[0]; return a },
		"no bundle":    func(_ *runtime.Plan, a *runtime.Approval) *runtime.Approval { a.Bundles = nil; return a },
		"a bundle more": func(_ *runtime.Plan, a *runtime.Approval) *runtime.Approval {
			a.Bundles = append(a.Bundles, a.Plan)
			return a
		},
		"a bundle twice": func(_ *runtime.Plan, a *runtime.Approval) *runtime.Approval { a.Bundles[1] = a.Bundles[0]; return a },
		"a byte":         func(p *runtime.Plan, a *runtime.Approval) *runtime.Approval { p.Bundles[0].Raw[100] ^= 1; return a },
		"a line break": func(p *runtime.Plan, a *runtime.Approval) *runtime.Approval {
			p.Bundles[0].Raw = append(p.Bundles[0].Raw, '\n')
			return a
		},
		"another bundle": func(p *runtime.Plan, a *runtime.Approval) *runtime.Approval {
			p.Bundles[0] = Bundle(h, "api", "evil", "x")
			return a
		},
		"one bundle less": func(p *runtime.Plan, a *runtime.Approval) *runtime.Approval { p.Bundles = p.Bundles[:1]; return a },
		"a change less":   func(p *runtime.Plan, a *runtime.Approval) *runtime.Approval { p.Changes = p.Changes[1:]; return a },
		"another change": func(p *runtime.Plan, a *runtime.Approval) *runtime.Approval {
			p.Changes[0].Action = runtime.Delete
			return a
		},
		"revoke": func(p *runtime.Plan, a *runtime.Approval) *runtime.Approval {
			p.Revoke = append(p.Revoke, Resource("web"))
			return a
		},
		"force":          func(p *runtime.Plan, a *runtime.Approval) *runtime.Approval { p.Force = true; return a },
		"another set":    func(p *runtime.Plan, a *runtime.Approval) *runtime.Approval { p.Set = "other"; return a },
		"another target": func(p *runtime.Plan, a *runtime.Approval) *runtime.Approval { p.Target += "x"; return a },
		"another cause": func(p *runtime.Plan, a *runtime.Approval) *runtime.Approval {
			p.Cause.Verb = runtime.VerbDestroy
			return a
		},
		"its own digest": func(p *runtime.Plan, a *runtime.Approval) *runtime.Approval {
			p.Force = true
			h.check(p.Seal())
			return a
		},
		"an older verdict": func(p *runtime.Plan, _ *runtime.Approval) *runtime.Approval {
			return runtime.Approve(h.plan(Bundle(h, "api", "0", "a")), "d")
		},
	}
	for name, spoil := range tests {
		plan := h.plan(Bundle(h, "api", "1", "a"), Bundle(h, "web", "2", "b", "c"))
		approval := spoil(plan, runtime.Approve(plan, "decision-1"))
		_, err := h.executor.Apply(h.Context(), plan, approval, runtime.ApplyOptions{})
		h.fails(name, err, runtime.ErrNotApproved)
		h.has("web-a", "1", "web-b", "1")
	}
}

func refused(h *harness) {
	one := Bundle(h, "web", "1", "a")
	shared := Bundle(h, "web-a", "2", "x")
	tests := map[string]struct {
		desired runtime.Desired
		kind    error
	}{
		"no bundles":         {runtime.Desired{Set: set}, runtime.ErrInvalid},
		"no name":            {runtime.Desired{Bundles: []runtime.Bundle{one}}, runtime.ErrInvalid},
		"a name that leads":  {runtime.Desired{Set: "../x", Bundles: []runtime.Bundle{one}}, runtime.ErrInvalid},
		"a resource twice":   {runtime.Desired{Set: set, Bundles: []runtime.Bundle{one, one}}, runtime.ErrInvalid},
		"an object of two":   {runtime.Desired{Set: set, Bundles: []runtime.Bundle{shared, Bundle(h, "web", "1", "a-x")}}, runtime.ErrConflict},
		"a keeping conflict": {runtime.Desired{Set: set, Bundles: []runtime.Bundle{Bundle(h, "web", "1", "a-x")}, Keep: true}, runtime.ErrConflict},
	}
	h.apply(shared)
	for name, tc := range tests {
		_, err := h.executor.Plan(h.Context(), &tc.desired)
		h.fails(name, err, tc.kind)
	}
	h.has("web-a-x", "2")
}

func nothingThere(h *harness) {
	h.presence()
	revisions, err := h.executor.History(h.Context(), set)
	if err != nil || len(revisions) > 0 {
		h.Errorf("got %v, %v", revisions, err)
	}
	_, err = h.executor.Rollback(h.Context(), set, 1, runtime.Options{})
	h.fails("rollback", err, runtime.ErrNotFound)
	_, err = h.executor.Destroy(h.Context(), set, runtime.Options{})
	h.fails("destroy", err, runtime.ErrNotFound)
	_, err = h.executor.Prune(h.Context(), set, []abi.Ref{Resource("web")}, runtime.Options{})
	h.fails("prune", err, runtime.ErrNotFound)
}

func cancelled(h *harness) {
	ctx, cancel := context.WithCancel(h.Context())
	plan := h.plan(Bundle(h, "web", "1", "a"))
	cancel()
	_, err := h.executor.Apply(ctx, plan, runtime.Approve(plan, "decision-1"), runtime.ApplyOptions{})
	h.fails("a cancelled apply", err, context.Canceled)
	h.has()
	_, err = h.executor.Observe(ctx, set)
	h.fails("a cancelled look", err, context.Canceled)
}

// progress checks that each change is reported once, and counted.
func progress(h *harness) {
	h.apply(Bundle(h, "web", "1", "a", "b", "c"))
	plan := h.plan(Bundle(h, "web", "2", "b"), Bundle(h, "web-c", "1", "x"))
	var got []string
	_, err := h.executor.Apply(h.Context(), plan, runtime.Approve(plan, "decision-1"), runtime.ApplyOptions{
		Progress: func(p runtime.Progress) {
			if p.Health == "" {
				got = append(got, fmt.Sprintf("%d/%d %s %s", p.Done, p.Total, p.Action, p.Object.Name))
			}
		},
	})
	h.check(err)
	want := []string{"1/4 update web-b", "2/4 create web-c-x", "3/4 delete web-c", "4/4 delete web-a"}
	if diff := cmp.Diff(want, got); diff != "" {
		h.Errorf("-want +got\n%s", diff)
	}
}
