package lifecycle_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latticenet/lattice-host/registry/lifecycle"
)

// TestRow58_Transitions goes through every pair of states, and two that do not exist.
func TestRow58_Transitions(t *testing.T) {
	t.Parallel()
	allowed := map[[2]lifecycle.State]bool{
		{"", "verified"}:          true,
		{"verified", "installed"}: true,
		{"installed", "active"}:   true,
		{"installed", "disabled"}: true,
		{"active", "disabled"}:    true,
		{"disabled", "active"}:    true,
	}
	states := []lifecycle.State{
		lifecycle.Unknown, "Active", "removed", lifecycle.Verified, lifecycle.Installed, lifecycle.Active, lifecycle.Disabled,
	}
	for _, from := range states {
		for _, to := range states {
			err := from.To(to)
			if want := allowed[[2]lifecycle.State{from, to}]; want != (err == nil) {
				t.Errorf("%s -> %s: allowed is %v, got %v", from, to, want, err)
			}
			if err != nil && !errors.Is(err, lifecycle.ErrTransition) {
				t.Errorf("%s -> %s: %v is not ErrTransition", from, to, err)
			}
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	got := []string{
		lifecycle.Verified.To(lifecycle.Active).Error(), lifecycle.Unknown.To(lifecycle.Installed).Error(),
		lifecycle.Disabled.To(lifecycle.Unknown).Error(), lifecycle.State("gone").To(lifecycle.Active).Error(),
	}
	want := []string{
		"invalid plugin status transition verified -> active", "invalid plugin status transition unknown -> installed",
		"invalid plugin status transition disabled -> unknown", "invalid plugin status transition gone -> active",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
