package author_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/release"
)

// clean removes what is older than a moment.
func (f *fixture) clean(before time.Time, dryRun bool) []string {
	f.Helper()
	removed, err := author.Clean(context.Background(), f.dir, f.pinned, before, dryRun)
	f.check(err)
	return removed
}

// TestClean leaves an index that works as before: new clients, those that pinned the first root,
// and those that saw an older state all get to the newest.
func TestClean(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]author.Options{"OneRole": {}, "Bins": {BinBits: 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixtureWith(t, options)
			_, err := f.refresh()
			f.check(err)
			d := f.open()
			names := f.some(d, 10)
			f.check(d.Yank(names[0], "leaks"))
			f.publish(d, onlineKey)
			d = f.open()
			f.check(d.Revoke(revocation.Entry{Plugin: "acme/other", Reason: "leaks", Since: "2026-03-01T12:00:00Z"}))
			f.publish(d, targetsKeys, onlineKey)
			d = f.open()
			f.check(d.Rotate(author.RoleSnapshot, f.signers(1, onlineKey)))
			f.publish(d, rootKeys, onlineKey)
			// Roles that are not delegated to any more.
			for _, bits := range []int{3, options.BinBits} {
				d = f.open()
				f.check(d.Spread(bits))
				f.publish(d, targetsKeys, onlineKey)
			}
			strangers := []string{"README.md", "metadata/notes.json", "metadata/1.key", "targets/x.json", "targets/releases/y", "targets/" + strings.Repeat("a", 64)}
			left := "targets/releases/acme/." + strings.Repeat("a", 64) + ".json.tmp-1"
			for _, file := range append(strangers, left) {
				f.check(os.MkdirAll(filepath.Dir(filepath.Join(f.dir, file)), 0o755))
				f.check(os.WriteFile(filepath.Join(f.dir, file), nil, 0o600))
			}

			before := f.files()
			if removed := f.clean(time.Now().Add(-time.Hour), false); len(removed) > 0 {
				t.Errorf("%v are not that old", removed)
			}
			later := time.Now().Add(time.Hour)
			planned := f.clean(later, true)
			if diff := cmp.Diff(before, f.files()); diff != "" {
				t.Errorf("a dry run changes:\n%s", diff)
			}
			removed := f.clean(later, false)
			if diff := cmp.Diff(planned, removed); diff != "" || len(removed) < 5 || !slices.Contains(removed, left) {
				t.Errorf("%v\n%s", removed, diff)
			}
			after := f.files()
			for file := range before {
				if _, there := after[file]; there == slices.Contains(removed, filepath.ToSlash(file)) {
					t.Errorf("%s: there %v", file, there)
				}
			}
			for _, file := range append(strangers, "metadata/1.root.json", "metadata/2.root.json") {
				if _, there := after[filepath.FromSlash(file)]; !there {
					t.Errorf("%s is gone", file)
				}
			}
			f.hasAll(names)
			f.check(f.open().Check())
			if again := f.clean(later, false); len(again) > 0 {
				t.Errorf("%v were left", again)
			}
			f.state = t.TempDir()
			f.hasAll(names)
			// The next publication is unharmed.
			d = f.open()
			f.check(d.Yank(names[0], ""))
			f.publish(d, onlineKey)
			f.hasAll(names)
		})
	}
}

// TestCleanVerifies removes nothing from an index that is not what its root leads to.
func TestCleanVerifies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)

	d := f.open()
	f.check(d.Renew(author.RoleTargets))
	f.publish(d, targetsKeys, onlineKey)
	f.check(os.WriteFile(filepath.Join(f.dir, "metadata", "2.targets.json"), []byte("{}"), 0o600))
	before := f.files()
	removed, err := author.Clean(context.Background(), f.dir, f.pinned, time.Now().Add(time.Hour), false)
	if !errors.Is(err, release.ErrNotTrusted) || len(removed) > 0 {
		t.Errorf("%v, %v", removed, err)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(f.files()))); diff != "" {
		t.Error(diff)
	}
}
