package author_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/release"
)

// TestNeeds compares what a draft needs with what publishing it takes: these keys, and not one
// less.
func TestNeeds(t *testing.T) {
	t.Parallel()
	online := []string{"timestamp 1 of 1", "snapshot 1 of 1"}
	tests := map[string]struct {
		change func(f *fixture, d *author.Draft)
		want   []string
	}{
		"Nothing": {func(*fixture, *author.Draft) {}, nil},
		"Release": {func(f *fixture, d *author.Draft) { f.add(d, web1, "one") }, append(online, "releases 1 of 1")},
		"Static":  {func(f *fixture, d *author.Draft) { f.check(d.SetStatic([]byte("{}"))) }, append(online, "releases 1 of 1")},
		"Revoke": {func(f *fixture, d *author.Draft) {
			f.check(d.Revoke(revocation.Entry{Publisher: "evil", Reason: "x", Since: "2026-03-01T12:00:00Z"}))
		}, append(online, "targets 2 of 3")},
		"Timestamp": {func(f *fixture, d *author.Draft) { f.check(d.Renew(author.RoleTimestamp)) }, []string{"timestamp 1 of 1"}},
		"Root": {func(f *fixture, d *author.Draft) { f.check(d.Rotate(author.RoleRoot, f.signers(1, []byte{11}))) },
			[]string{"root 1 of 1", "root before 2 of 3"}},
		"Releases": {func(f *fixture, d *author.Draft) { f.check(d.Rotate(author.RoleReleases, f.signers(1, []byte{11}))) },
			append(online, "targets 2 of 3", "releases 1 of 1")},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newDistinct(t)
			draft := func() *author.Draft {
				d := f.open()
				tc.change(f, d)
				return d
			}
			needs, err := draft().Needs()
			f.check(err)
			var got []string
			for _, n := range needs {
				role := n.Role
				if n.Before {
					role += " before"
				}
				got = append(got, fmt.Sprintf("%s %d of %d", role, n.Threshold, len(n.KeyIDs)))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			for i := range needs {
				if _, err := draft().Publish(f.time, author.Online(), f.meet(needs, i)); err == nil {
					t.Errorf("%s: published with a key too few", got[i])
				}
			}
			_, err = draft().Publish(f.time, author.Online(), f.meet(needs, -1))
			f.check(err)
		})
	}
}

// newDistinct returns an index whose online roles have a key each.
func newDistinct(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	d := f.open()
	f.check(d.Rotate(author.RoleSnapshot, f.signers(1, []byte{8})))
	f.check(d.Rotate(author.RoleTimestamp, f.signers(1, []byte{9})))
	f.publish(d, rootKeys, []byte{8, 9})
	return f
}

// meet returns keys for the needs, but one too few for one of them.
func (f *fixture) meet(needs []author.Need, short int) []release.PrivateKey {
	var keys []release.PrivateKey
	for i, n := range needs {
		take := n.Threshold
		if i == short {
			take--
		}
		for _, key := range f.keys(rootKeys, targetsKeys, []byte{7, 8, 9, 11}) {
			if take > 0 && slices.Contains(n.KeyIDs, key.ID) {
				keys = append(keys, key)
				take--
			}
		}
	}
	return keys
}

// TestLifetimes are kept in the root, no matter who opens the index.
func TestLifetimes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	got, err := f.open().Lifetimes()
	f.check(err)
	if diff := cmp.Diff(author.Online(), got); diff != "" {
		t.Error(diff)
	}
	want := author.AirGap()
	want[author.RoleTargets] = 90 * time.Minute
	d := f.open()
	f.check(d.SetLifetimes(want))
	f.publish(d, rootKeys, onlineKey)
	got, err = f.open().Lifetimes()
	f.check(err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	delete(want, author.RoleRoot)
	if err := f.open().SetLifetimes(want); err == nil || err.Error() != "root: the lifetime is 0s, it must be at least a second" {
		t.Error(err)
	}
}

// TestFiles lists all that a mirror copies.
func TestFiles(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.open()
	f.add(d, web1, "one")
	f.check(d.SetStatic([]byte("static")))
	f.publish(d, onlineKey)
	d = f.open()
	files, err := d.Files()
	f.check(err)
	metadata, err := d.Metadata()
	f.check(err)
	got := []string{"metadata/1.root.json"}
	for _, name := range metadata {
		got = append(got, "metadata/"+name)
	}
	for _, file := range files {
		got = append(got, "targets/"+file.Path)
	}
	for _, name := range got {
		if _, ok := f.files()[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
	for name := range f.files() {
		old := strings.HasPrefix(name, "metadata/1.") && name != "metadata/1.root.json" && name != "metadata/1.targets.json"
		if !slices.Contains(got, name) && !old && !strings.Contains(name, ".flock") {
			t.Errorf("%s is not listed", name)
		}
	}
	d = f.open()
	f.check(d.SetStatic(nil))
	f.publish(d, onlineKey)
	if _, err := f.open().Target(tuf.StaticTarget); err == nil {
		t.Error("the document is still there")
	}
}
