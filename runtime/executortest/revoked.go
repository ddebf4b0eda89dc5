package executortest

import (
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/runtime"
)

// revoke checks that a resource whose secrets are revoked loses what fetches them, and nothing
// else, until it is desired again.
func revoke(h *harness) {
	api, web := Secretive(h, "api", "1", "a", "shared"), Secretive(h, "web", "1", "shared", "w", "x")
	h.apply(api, web)
	h.presence("a", "present", "shared", "present", "w", "present", "x", "present", "api", "present", "web", "present")
	desired := &runtime.Desired{
		Set: set, Bundles: []runtime.Bundle{api}, Hold: []abi.Ref{Resource("web"), Resource("none")}, Revoke: []abi.Ref{Resource("web"), Resource("none")},
	}
	p, err := h.executor.Plan(h.Context(), desired)
	h.check(err)
	h.actions(p, "unchanged", "a", "unchanged", "api", "delete", "x", "delete", "w", "unchanged", "shared", "unchanged", "web")
	h.do(p, nil)
	h.presence("a", "present", "shared", "present", "api", "present", "web", "present")
	p, err = h.executor.Plan(h.Context(), desired)
	h.check(err)
	if !p.Empty() {
		h.Errorf("the same plan is not empty the second time: %+v", p.Changes)
	}
	// What becomes of others brings the secrets back as little.
	h.do(h.executor.Prune(h.Context(), set, []abi.Ref{Resource("api")}, runtime.Options{}))
	h.presence("shared", "present", "web", "present")
	h.apply(web)
	h.presence("shared", "present", "w", "present", "x", "present", "web", "present")
}

// revokeOnly revokes without anything that is desired.
func revokeOnly(h *harness) {
	h.apply(Bundle(h, "api", "1", "a"), Secretive(h, "web", "1", "w"))
	h.Change(h.T, ConfigMap("api-a"))
	all := []abi.Ref{Resource("api"), Resource("web")}
	desired := &runtime.Desired{Set: set, Hold: all, Revoke: []abi.Ref{Resource("web")}}
	h.do(h.executor.Plan(h.Context(), desired))
	h.presence("api-a", "modified", "web", "present")
}

// revokeRefused checks what cannot be revoked.
func revokeRefused(h *harness) {
	web := []abi.Ref{Resource("web")}
	_, err := h.executor.Plan(h.Context(), &runtime.Desired{Set: set, Hold: web, Revoke: web})
	h.fails("a set that does not exist", err, runtime.ErrNotFound)
	_, err = h.executor.Plan(h.Context(), &runtime.Desired{Set: set, Bundles: []runtime.Bundle{Bundle(h, "api", "1", "a")}, Revoke: web})
	h.fails("a resource that is not held", err, runtime.ErrInvalid)
}
