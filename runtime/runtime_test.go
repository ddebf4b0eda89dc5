package runtime_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/executortest"
)

func plan(t *testing.T) *runtime.Plan {
	t.Helper()
	p := &runtime.Plan{
		Target: "directory:/srv/gitops", Set: "shop", Cause: runtime.Cause{Verb: runtime.VerbApply}, State: bundle.Digest(nil),
		Bundles: []runtime.Bundle{executortest.Bundle(t, "api", "1", "a"), executortest.Bundle(t, "web", "1", "a")},
		Changes: []runtime.Change{{
			Action: runtime.Create, Object: executortest.ConfigMap("api-a"), Resource: executortest.Resource("api"), Where: "x", Stage: 1,
			After: bundle.Digest([]byte("a")), Reason: "is new",
		}},
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAttack62 swaps each byte of a bundle, one at a time, between the decision and the apply.
func TestAttack62(t *testing.T) {
	t.Parallel()
	p := plan(t)
	approval := runtime.Approve(p, "decision-1")
	approved, err := approval.Check(p)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Bundles[1].Raw {
		p.Bundles[1].Raw[i] ^= 1
		if got, err := approval.Check(p); !errors.Is(err, runtime.ErrNotApproved) || got != nil {
			t.Fatalf("byte %d: got %v, want ErrNotApproved", i, err)
		}
		p.Bundles[1].Raw[i] ^= 1
	}
	// What was approved is a copy, and what its bundles say comes from their bytes.
	p.Bundles[1].Content.Outputs[0].Document = json.RawMessage(`{"evil":true}`)
	again, err := approval.Check(p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(approved.Bundles[1].Content.Content, again.Bundles[1].Content.Content); diff != "" {
		t.Errorf("what a bundle says is not read again\n%s", diff)
	}
	p.Bundles[1].Raw[0] = 'x'
	p.Changes[0].Action = runtime.Delete
	if again.Bundles[1].Raw[0] != '{' || again.Changes[0].Action != runtime.Create {
		t.Error("what was approved changes with the plan")
	}
}

// Whom an approved plan leaves alone, and whose secrets it takes, does not change with the plan
// either.
func TestAttack62Lists(t *testing.T) {
	t.Parallel()
	p := plan(t)
	one := abi.Ref{APIVersion: "lattice.dev/v1alpha1", Kind: "LatticeService", Namespace: "media", Name: "one"}
	p.Hold, p.Revoke = []abi.Ref{one}, []abi.Ref{one}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	approved, err := runtime.Approve(p, "decision-1").Check(p)
	if err != nil {
		t.Fatal(err)
	}
	p.Hold[0].Name, p.Revoke[0].Name = "two", "two"
	if approved.Hold[0] != one || approved.Revoke[0] != one {
		t.Errorf("what was approved changes with the plan: held %v, revoked %v", approved.Hold, approved.Revoke)
	}
}

func TestAttack62Messages(t *testing.T) {
	t.Parallel()
	p := plan(t)
	approval := runtime.Approve(p, "decision-1")
	raw := p.Bundles[1].Raw
	p.Bundles[1].Raw = bytes.Replace(raw, []byte(`"value":"1"`), []byte(`"value":"2"`), 1)
	_, err := approval.Check(p)
	want := "LatticeService.lattice.dev media/web: the bundle is not one that was judged: the bundle cannot be read: digest is "
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	// A bundle that is whole, and another than the one that was judged.
	own := p.Bundles[1]
	p.Bundles[1] = executortest.Bundle(t, "web", "2", "a")
	_, err = approval.Check(p)
	want = "LatticeService.lattice.dev media/web: the bundle is not one that was judged, it has the digest " +
		p.Bundles[1].Digest() + "; nothing is written, judge the plan again"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	p.Bundles[1] = own
	p.Bundles[1].Raw = raw
	p.Force = true
	if _, err = approval.Check(p); err == nil || !strings.HasPrefix(err.Error(), "the plan is not the one that was judged, it has the digest sha256:") {
		t.Errorf("got %v", err)
	}
	_, err = (&runtime.Approval{}).Check(p)
	if want := "no decision approves the plan; nothing is written, judge the plan again"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	// A judge may have seen bytes that are not a bundle.
	p.Force, p.Bundles[1].Raw = false, []byte("{}")
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Approve(p, "d").Check(p); !errors.Is(err, runtime.ErrNotApproved) {
		t.Errorf("got %v, want ErrNotApproved", err)
	}
}

func TestPlanJSON(t *testing.T) {
	t.Parallel()
	p := plan(t)
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"schema":"lattice.plan.v1","target":"directory:/srv/gitops","set":"shop","cause":{"verb":"apply"},"bundles":[` +
		`{"resource":{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","namespace":"media","name":"api"},"digest":"` + p.Bundles[0].Digest() + `"},` +
		`{"resource":{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","namespace":"media","name":"web"},"digest":"` + p.Bundles[1].Digest() + `"}],` +
		`"changes":[{"action":"create","object":{"apiVersion":"v1","kind":"ConfigMap","namespace":"media","name":"api-a"},` +
		`"resource":{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","namespace":"media","name":"api"},"stage":1,"where":"x","after":"` +
		bundle.Digest([]byte("a")) + `","reason":"is new"}],"state":"` + bundle.Digest(nil) + `","digest":"` + p.Digest + `"}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if p.Empty() || runtime.Count(p.Changes, runtime.Create) != 1 || runtime.Count(p.Changes, runtime.Delete) != 0 {
		t.Error("the plan does not count what it does")
	}
}

func TestDifference(t *testing.T) {
	t.Parallel()
	was, now := plan(t), plan(t)
	if err := was.Difference(now); err != nil {
		t.Error(err)
	}
	now.Changes[0].Action, now.Changes[0].Reason = runtime.Update, "is replaced"
	if err := now.Seal(); err != nil {
		t.Fatal(err)
	}
	err := was.Difference(now)
	want := "x: ConfigMap media/api-a: the target changed since the plan: it was to be create (is new), now it is update (is replaced); make a new plan"
	if !errors.Is(err, runtime.ErrConflict) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	now = plan(t)
	now.State = bundle.Digest([]byte("other"))
	if err := now.Seal(); err != nil {
		t.Fatal(err)
	}
	err = was.Difference(now)
	if want := "directory:/srv/gitops: the target changed since the plan; make a new plan"; !errors.Is(err, runtime.ErrConflict) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestDesiredCheck(t *testing.T) {
	t.Parallel()
	one, other := executortest.Bundle(t, "web", "1", "a-x"), executortest.Bundle(t, "web-a", "2", "x")
	err := (&runtime.Desired{Set: "A/b", Bundles: []runtime.Bundle{other, one, one}}).Check()
	want := `"A/b" cannot name a set; use at most 63 lower-case letters, digits and hyphens
LatticeService.lattice.dev media/web: the resource is a duplicate; keep one
ConfigMap media/web-a-x: derives differently from LatticeService.lattice.dev media/web and from LatticeService.lattice.dev media/web-a; rename one of them`
	if !errors.Is(err, runtime.ErrInvalid) || !errors.Is(err, runtime.ErrConflict) || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	err = (&runtime.Desired{Set: "shop"}).Check()
	if want := "nothing is desired; destroy the set to remove all of it"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	many := make([]runtime.Bundle, runtime.MaxBundles+1)
	if err := runtime.CheckBundles(many); !errors.Is(err, runtime.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
	for name, good := range map[string]bool{"a": true, "a-1": true, strings.Repeat("a", 63): true, "": false, "-a": false, "a-": false, "a.b": false, "A": false, "a\n": false, strings.Repeat("a", 64): false} {
		if err := runtime.CheckSet(name); (err == nil) != good {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

func TestReadBundle(t *testing.T) {
	t.Parallel()
	want := executortest.Bundle(t, "web", "1", "a")
	data := append(bytes.Clone(want.Raw), '\n')
	got, err := runtime.ReadBundle(data)
	if err != nil || got.Digest() != want.Digest() {
		t.Errorf("got %s, %v", got.Digest(), err)
	}
	data[0] = 'x'
	if got.Raw[0] != '{' {
		t.Error("the bundle has no bytes of its own")
	}
	if _, err := runtime.ReadBundle(data); !errors.Is(err, bundle.ErrBundle) {
		t.Errorf("got %v, want ErrBundle", err)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	api, web, newWeb, xyz := executortest.Bundle(t, "api", "1"), executortest.Bundle(t, "web", "1"), executortest.Bundle(t, "web", "2"), executortest.Bundle(t, "xyz", "1")
	got := runtime.Merge([]runtime.Bundle{api, web, xyz}, []runtime.Bundle{newWeb}, []abi.Ref{executortest.Resource("api")})
	if diff := cmp.Diff([]runtime.Bundle{newWeb, xyz}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSettled(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		presence runtime.Presence
		health   runtime.Health
		want     bool
	}{
		{runtime.Present, "", true}, {runtime.Present, runtime.Healthy, true}, {runtime.Present, runtime.Progressing, false},
		{runtime.Present, runtime.Failed, false}, {runtime.Missing, "", false}, {runtime.Modified, "", false},
	} {
		s := &runtime.Status{Objects: []runtime.ObjectStatus{{Presence: tc.presence, Health: tc.health}}}
		if got := s.Settled(); got != tc.want {
			t.Errorf("%s %s: got %v", tc.presence, tc.health, got)
		}
	}
}
