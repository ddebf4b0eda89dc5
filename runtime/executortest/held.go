package executortest

import (
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/runtime"
)

// hold checks that a resource which is held stays as it is: not removed with what is not desired,
// and not written.
func hold(h *harness) {
	h.apply(Bundle(h, "api", "1", "a"), Bundle(h, "old", "1", "a"), Bundle(h, "web", "1", "a", "b"))
	h.Change(h.T, ConfigMap("web-a"))
	h.Remove(h.T, ConfigMap("web-b"))
	desired := &runtime.Desired{Set: set, Bundles: []runtime.Bundle{Bundle(h, "api", "2", "a")}, Hold: []abi.Ref{Resource("web"), Resource("none")}}
	desired.Force = true
	p, err := h.executor.Plan(h.Context(), desired)
	h.check(err)
	h.actions(p, "update", "api-a", "delete", "old-a", "unchanged", "web-a", "unchanged", "web-b")
	h.do(p, nil)
	h.has("api-a", "2", "web-a", "theirs")
	h.presence("api-a", "present", "web-a", "modified", "web-b", "missing")
	p, err = h.executor.Plan(h.Context(), desired)
	h.check(err)
	if !p.Empty() {
		h.Error("the same plan is not empty the second time")
	}
	// Not held any more, it is the set's to write again.
	desired = &runtime.Desired{Set: set, Bundles: []runtime.Bundle{Bundle(h, "web", "2", "a", "b")}, Options: desired.Options}
	h.do(h.executor.Plan(h.Context(), desired))
	h.has("web-a", "2", "web-b", "2")
}

// holdOnly checks what cannot be held.
func holdOnly(h *harness) {
	_, err := h.executor.Plan(h.Context(), &runtime.Desired{
		Set: set, Bundles: []runtime.Bundle{Bundle(h, "web", "1", "a")}, Hold: []abi.Ref{Resource("web")},
	})
	h.fails("a resource that is desired and held", err, runtime.ErrInvalid)
	_, err = h.executor.Plan(h.Context(), &runtime.Desired{Set: set, Hold: []abi.Ref{Resource("web")}})
	h.fails("nothing but what is held", err, runtime.ErrInvalid)
}

// shared checks that an object of several resources is there once, and until the last of them is
// gone.
func shared(h *harness) {
	api, web := Shared(h, "api", "1", "api", "gateway"), Shared(h, "web", "1", "gateway", "web")
	h.actions(h.plan(web, api), "create", "api", "create", "gateway", "create", "web")
	h.apply(web, api)
	h.has("api", "1", "gateway", "1", "web", "1")
	h.apply(web)
	h.has("gateway", "1", "web", "1")
	h.apply(web, api)
	h.do(h.executor.Prune(h.Context(), set, []abi.Ref{Resource("web")}, runtime.Options{}))
	h.has("api", "1", "gateway", "1")
	h.do(h.executor.Prune(h.Context(), set, []abi.Ref{Resource("api")}, runtime.Options{}))
	h.has()
	_, err := h.executor.Plan(h.Context(), &runtime.Desired{Set: set, Bundles: []runtime.Bundle{api, Shared(h, "web", "2", "gateway")}})
	h.fails("two that want one object differently", err, runtime.ErrConflict)
}

// sharedHeld checks that an object of a resource that is held stays, whatever becomes of the others
// that have it.
func sharedHeld(h *harness) {
	api, web := Shared(h, "api", "1", "api", "gateway"), Shared(h, "web", "1", "gateway", "web")
	other := Shared(h, "other", "1", "gateway", "other")
	h.apply(web, api)
	h.do(h.executor.Plan(h.Context(), &runtime.Desired{Set: set, Bundles: []runtime.Bundle{other}, Hold: []abi.Ref{Resource("web")}}))
	h.has("gateway", "1", "other", "1", "web", "1")
	h.do(h.executor.Plan(h.Context(), &runtime.Desired{Set: set, Bundles: []runtime.Bundle{web}, Hold: []abi.Ref{Resource("other")}}))
	h.has("gateway", "1", "other", "1", "web", "1")
	h.apply(other)
	h.has("gateway", "1", "other", "1")
}

// pruneOthersAlone checks that taking a resource out writes nothing of the others.
func pruneOthersAlone(h *harness) {
	h.apply(Bundle(h, "api", "1", "a", "b"), Bundle(h, "web", "1", "a"))
	h.Change(h.T, ConfigMap("api-a"))
	h.Remove(h.T, ConfigMap("api-b"))
	h.do(h.executor.Prune(h.Context(), set, []abi.Ref{Resource("web")}, runtime.Options{}))
	h.has("api-a", "theirs")
	h.presence("api-a", "modified", "api-b", "missing")
}
