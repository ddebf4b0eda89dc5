package trust

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
)

// TestAttack65_Published has tuf-js read what package author publishes, from state to state.
func TestAttack65_Published(t *testing.T) {
	t.Parallel()
	tufJS := start(t, "tuf.js")
	for name, bits := range map[string]int{"OneRole": 0, "Bins": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			publishAndRead(t, newPublished(t, tufJS, author.Options{BinBits: bits}))
		})
	}
}

func publishAndRead(t *testing.T, p *published) {
	t.Helper()
	p.accept(web1, tuf.PublishersTarget)

	p.publish(func(d *author.Draft) error { return addRelease(d, "2.0.0", "two") })
	p.accept(web1, web2)

	p.publish(func(d *author.Draft) error { return d.Yank(web1, "leaks") })
	if got := string(p.accept(web1)[web1].Custom); got != `{"yanked":{"reason":"leaks"}}` {
		t.Errorf("with a yanked release: %s", got)
	}
	p.publish(func(d *author.Draft) error {
		return d.Revoke(revocation.Entry{Publisher: "evil", Reason: "sold", Since: "2026-03-01T12:00:00Z"})
	})
	if got := p.accept(tuf.RevocationsTarget)[tuf.RevocationsTarget].Content; !strings.Contains(got, "evil") {
		t.Error(got)
	}
	p.publish(func(d *author.Draft) error { return d.Set(base, []byte("policies")) })
	p.accept(base)

	p.rotate(author.RoleReleases, 1, "j")
	p.rotate(author.RoleTargets, 2, "kl")
	p.rotate(author.RoleSnapshot, 2, "mn")
	p.rotate(author.RoleTimestamp, 1, "o")
	p.rotate(author.RoleRoot, 2, "pqr")
	all := []string{web1, web2, tuf.PublishersTarget, tuf.RevocationsTarget, base}
	want := p.accept(all...)

	p.time = p.time.Add(20 * day)
	p.refuse(tuf.ErrExpired, "timestamp.json is expired")
	p.renew(day, author.RoleTimestamp, author.RoleSnapshot)
	if diff := cmp.Diff(want, p.accept(all...)); diff != "" {
		t.Error(diff)
	}
	// A reader that has seen nothing comes to the same.
	p.readers = newReaders(t, p.tufJS, http.FileServer(http.Dir(p.dir)), p.root)
	p.time = march.Add(20 * day)
	if diff := cmp.Diff(want, p.accept(all...)); diff != "" {
		t.Error(diff)
	}
}

// TestAttack65_Refused damages a published index in the ways that a mirror, a thief of a copy or
// the time can.
func TestAttack65_Refused(t *testing.T) {
	t.Parallel()
	tufJS := start(t, "tuf.js")
	tests := map[string]struct {
		damage func(p *published)
		ours   error
		theirs string
	}{
		"TimestampExpired": {func(p *published) { p.time = p.time.Add(2 * day) }, tuf.ErrExpired, "timestamp.json is expired"},
		"SnapshotExpired": {func(p *published) {
			p.renew(day/2, author.RoleSnapshot)
			p.time = p.time.Add(day - 1)
		}, tuf.ErrExpired, "snapshot.json is expired"},
		"TargetsExpired": {func(p *published) {
			p.renew(day/2, author.RoleTargets)
			p.time = p.time.Add(day - 1)
		}, tuf.ErrExpired, "targets.json is expired"},
		"ReleasesExpired": {func(p *published) {
			p.renew(day/2, author.RoleReleases)
			p.time = p.time.Add(day - 1)
		}, tuf.ErrExpired, "releases.json is expired"},
		"RootExpired": {func(p *published) {
			p.renew(day/2, author.RoleRoot)
			p.time = p.time.Add(day - 1)
		}, tuf.ErrExpired, "root.json is expired"},
		"TimestampRolledBack": {func(p *published) {
			old := p.file("metadata/timestamp.json")
			p.renew(day, author.RoleTimestamp)
			p.accept(web1)
			p.replace("metadata/timestamp.json", old)
		}, tuf.ErrRollback, "less than current version"},
		"TimestampEdited": {func(p *published) {
			p.edit("metadata/timestamp.json", `"expires":"2026-`, `"expires":"2027-`)
		}, tuf.ErrSignature, "was signed by"},
		"SnapshotEdited": {func(p *published) {
			p.renew(day, author.RoleSnapshot)
			p.edit("metadata/2.snapshot.json", `"expires":"2026-`, `"expires":"2027-`)
		}, tuf.ErrMismatch, "hash"},
		"OldSnapshotServed": {func(p *published) {
			p.renew(day, author.RoleSnapshot)
			p.replace("metadata/2.snapshot.json", p.file("metadata/1.snapshot.json"))
		}, tuf.ErrMismatch, "hash"},
		"OldTargetsServed": {func(p *published) {
			p.renew(day, author.RoleTargets)
			p.replace("metadata/2.targets.json", p.file("metadata/1.targets.json"))
		}, tuf.ErrMismatch, "hash"},
		"OldReleasesServed": {func(p *published) {
			p.renew(day, author.RoleReleases)
			p.replace("metadata/2.releases.json", p.file("metadata/1.releases.json"))
		}, tuf.ErrMismatch, "hash"},
		"TargetEdited":  {func(p *published) { p.replace(p.release(), []byte("bad")) }, tuf.ErrMismatch, "hash"},
		"TargetLonger":  {func(p *published) { p.replace(p.release(), []byte("one and more")) }, tuf.ErrMismatch, "length"},
		"TargetShorter": {func(p *published) { p.replace(p.release(), []byte("on")) }, tuf.ErrMismatch, "length"},
		"SnapshotWithheld": {func(p *published) {
			p.renew(day, author.RoleSnapshot)
			p.remove("metadata/2.snapshot.json")
		}, tuf.ErrUnavailable, "Failed to download"},
		"TimestampWithheld": {func(p *published) { p.remove("metadata/timestamp.json") }, tuf.ErrUnavailable, "Failed to download"},
		"RootSkipped": {func(p *published) {
			p.renew(day, author.RoleRoot)
			p.renew(day, author.RoleRoot)
			p.replace("metadata/2.root.json", p.file("metadata/3.root.json"))
		}, tuf.ErrMismatch, "Expected version 2, got 3"},
		"RootOfAnotherIndex": {func(p *published) {
			other := tuftest.New(p.T, march)
			other.PublishRoot()
			p.replace("metadata/2.root.json", other.Get("metadata/2.root.json"))
		}, tuf.ErrSignature, "was signed by"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPublished(t, tufJS, author.Options{})
			// Nothing is fetched before, so that no copy of the release replaces the damaged one.
			p.accept()
			tc.damage(p)
			p.refuse(tc.ours, tc.theirs, web1)
		})
	}
	t.Run("NotInTheIndex", func(t *testing.T) {
		t.Parallel()
		newPublished(t, tufJS, author.Options{}).refuse(tuf.ErrNotFound, "not in the index", web2)
	})
}

const (
	root, timestamp, snapshot, targets = metadata.ROOT, metadata.TIMESTAMP, metadata.SNAPSHOT, metadata.TARGETS
)

// TestAttack65_SignedRefused publishes what only somebody with keys of the index can, or who once
// had them.
func TestAttack65_SignedRefused(t *testing.T) {
	t.Parallel()
	tufJS := start(t, "tuf.js")
	thief := tuftest.NewKey(99)
	tests := map[string]struct {
		damage func(r *tuftest.Repository)
		ours   error
		theirs string
	}{
		"SnapshotRolledBack": {func(r *tuftest.Repository) {
			r.Snapshot.Signed.Version--
			r.PutSnapshot()
			r.PublishTimestamp()
		}, tuf.ErrRollback, "less than current version"},
		"TargetsRolledBack": {func(r *tuftest.Repository) {
			r.Roles[targets].Signed.Version--
			r.PutRole(targets)
			r.PublishSnapshot()
		}, tuf.ErrRollback, "less than current version"},
		"RoleRemoved": {func(r *tuftest.Repository) {
			delete(r.Snapshot.Signed.Meta, "releases.json")
			r.PublishSnapshot()
		}, tuf.ErrRollback, "Missing file releases.json"},
		"TimestampByThief": {func(r *tuftest.Repository) { r.Keys[timestamp] = []tuftest.Key{thief}; r.PublishTimestamp() },
			tuf.ErrSignature, "was signed by"},
		"SnapshotByThief": {func(r *tuftest.Repository) { r.Keys[snapshot] = []tuftest.Key{thief}; r.PublishSnapshot() },
			tuf.ErrSignature, "was signed by"},
		"TargetsByThief": {func(r *tuftest.Repository) { r.Keys[targets] = []tuftest.Key{thief}; r.PublishAll() },
			tuf.ErrSignature, "was signed by"},
		"ReleasesByThief": {func(r *tuftest.Repository) { r.Keys["releases"] = []tuftest.Key{thief}; r.Publish("releases") },
			tuf.ErrSignature, "was signed by"},
		"RootByThief": {func(r *tuftest.Repository) { r.Rotate(root, 1, thief); r.PublishRoot() }, tuf.ErrSignature, "was signed by"},
		"RevokedTimestampKey": {func(r *tuftest.Repository) {
			stolen := r.Keys[timestamp]
			r.Rotate(timestamp, 1, tuftest.NewKey(98))
			r.PublishRoot()
			r.Keys[timestamp] = stolen
			r.PublishTimestamp()
		}, tuf.ErrSignature, "was signed by"},
		"BelowThreshold": {func(r *tuftest.Repository) {
			r.Rotate(snapshot, 2, tuftest.NewKey(97), tuftest.NewKey(98))
			r.PublishRoot()
			r.Keys[snapshot] = r.Keys[snapshot][:1]
			r.PublishSnapshot()
		}, tuf.ErrSignature, "was signed by"},
		"SnapshotOfOtherVersion": {func(r *tuftest.Repository) {
			r.Snapshot.Signed.Version += 5
			r.PutSnapshot()
			r.Set("metadata/3.snapshot.json", r.Get("metadata/7.snapshot.json"))
			r.Timestamp.Signed.Meta["snapshot.json"].Version = 3
			r.PublishTimestamp()
		}, tuf.ErrMismatch, "Snapshot version doesn't match timestamp"},
		"ThresholdZero": {func(r *tuftest.Repository) {
			r.Root.Signed.Roles[timestamp].Threshold = 0
			r.Keys[timestamp] = nil
			r.PublishRoot()
			r.PublishTimestamp()
		}, tuf.ErrMalformed, "threshold"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := tuftest.New(t, march)
			repo.Delegate(targets, metadata.DelegatedRole{
				Name: "releases", Terminating: true, Paths: []string{"releases/*/*/*"},
			}, tuftest.NewKey(50))
			repo.AddTarget("releases", web1, []byte("one"))
			repo.PublishAll()
			r := newReaders(t, tufJS, repo, repo.Get("metadata/1.root.json"))
			r.accept(web1)
			tc.damage(repo)
			r.refuse(tc.ours, tc.theirs, web1)
		})
	}
}

// TestAttack65_Stricter pins down what we refuse and tuf-js, which reads any repository, does not.
func TestAttack65_Stricter(t *testing.T) {
	t.Parallel()
	tufJS := start(t, "tuf.js")
	tests := map[string]struct {
		damage func(r *tuftest.Repository)
		says   string
	}{
		"NoHashes": {func(r *tuftest.Repository) {
			r.Hashes = false
			r.PublishAll()
		}, "timestamp: meta.snapshot.json.length is missing"},
		"TargetName": {func(r *tuftest.Repository) {
			r.AddTarget(targets, "anything", []byte("x"))
			r.PublishAll()
		}, `targets: "anything" is not a name for a target of an index`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := tuftest.New(t, march)
			tc.damage(repo)
			r := newReaders(t, tufJS, repo, repo.Get("metadata/1.root.json"))
			if _, err := r.readOurs(nil); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("ours: got %v, want %q", err, tc.says)
			}
			if _, err := r.readTheirs(nil); err != nil {
				t.Errorf("tuf-js: %v", err)
			}
		})
	}
}
