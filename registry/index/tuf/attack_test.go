package tuf_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
)

// The numbers in the names are the rows of the project's table of attacks.

func TestAttack01_TimestampRollback(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.repo.Publish(targets)
		old := h.repo.Get("metadata/timestamp.json")
		version := h.repo.Timestamp.Signed.Version
		h.repo.PublishTimestamp()
		h.refresh()
		h.repo.Set("metadata/timestamp.json", old)
		h.refuse(tuf.ErrRollback, fmt.Sprintf("timestamp: version %d is offered, and version %d was verified before", version, version+1))
	})
}

func TestAttack02_SnapshotRollback(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.repo.PublishSnapshot()
		h.refresh()
		h.repo.Snapshot.Signed.Version--
		h.repo.PutSnapshot()
		h.repo.PublishTimestamp()
		h.refuse(tuf.ErrRollback, "timestamp: version")
	})
}

// TestAttack02_SnapshotAlone serves an older snapshot that the timestamp does not speak of: no one
// asks for it.
func TestAttack02_SnapshotAlone(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.repo.PublishSnapshot()
		h.refresh()
		timestamp := h.repo.Get("metadata/timestamp.json")
		h.repo.Snapshot.Signed.Version--
		h.repo.PutSnapshot()
		h.repo.Set("metadata/timestamp.json", timestamp)
		h.repo.Asked()
		h.refresh()
		h.asked("2.root.json", "timestamp.json")
	})
}

// TestAttack02_SnapshotRollbackServed serves an old snapshot under the name of the new one.
func TestAttack02_SnapshotRollbackServed(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.repo.PublishSnapshot()
		h.refresh()
		v := h.repo.Snapshot.Signed.Version
		h.repo.PublishSnapshot()
		h.repo.Set(fmt.Sprintf("metadata/%d.snapshot.json", v+1), h.repo.Get(fmt.Sprintf("metadata/%d.snapshot.json", v)))
		h.refuse(tuf.ErrMismatch, "snapshot: ")
	})
}

func TestAttack03_TargetsRollback(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.repo.Publish(targets)
		h.repo.Publish(targets)
		h.refresh()
		h.repo.Roles[targets].Signed.Version = 1
		h.repo.PutRole(targets)
		h.repo.PublishSnapshot()
		h.refuse(tuf.ErrRollback, "snapshot: version")
	})
}

func TestAttack03_DelegatedRollback(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.delegate(delegation{from: targets, to: "a"})
		h.refresh()
		h.repo.Roles["a"].Signed.Version--
		h.repo.PutRole("a")
		h.repo.PublishSnapshot()
		h.refuse(tuf.ErrRollback, "a.json")
	})
}

func TestAttack04_RoleRemoved(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.delegate(delegation{from: targets, to: "a"})
		h.refresh()
		delete(h.repo.Snapshot.Signed.Meta, "a.json")
		h.repo.PublishSnapshot()
		h.refuse(tuf.ErrRollback, "missing info for a.json")
	})
}

// TestAttack05_Freeze keeps serving what has expired, or publishes what has.
func TestAttack05_Freeze(t *testing.T) {
	t.Parallel()
	past := start.Add(-day)
	tests := map[string]struct {
		publish func(*tuftest.Repository)
		known   [4]int64
		says    string
	}{
		root: {func(r *tuftest.Repository) { r.Root.Signed.Expires = past; r.PublishRoot(); r.PublishAll() }, [4]int64{2, 1, 1, 1},
			"root: version 2 expired on 2026-02-28T12:00:00Z, and it is 2026-03-01T12:00:00Z"},
		timestamp: {func(r *tuftest.Repository) { r.Timestamp.Signed.Expires = past; r.PublishAll() }, [4]int64{1, 1, 1, 1},
			"timestamp: version 2 expired"},
		snapshot: {func(r *tuftest.Repository) { r.Snapshot.Signed.Expires = past; r.PublishAll() }, [4]int64{1, 2, 1, 1},
			"snapshot: version 2 expired"},
		targets: {func(r *tuftest.Repository) { r.Roles[targets].Signed.Expires = past; r.PublishAll() }, [4]int64{1, 2, 2, 1},
			"targets: version 2 expired"},
	}
	for role, tc := range tests {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.refresh()
			tc.publish(h.repo)
			h.refuse(tuf.ErrExpired, tc.says)
			h.versions(tc.known[0], tc.known[1], tc.known[2], tc.known[3])
		})
	}
}

// TestAttack05_Delegated serves a delegated role that has expired, before and after a client has
// seen it.
func TestAttack05_Delegated(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.delegate(delegation{from: targets, to: "a"})
		h.repo.AddTarget("a", web1, []byte("one"))
		h.repo.AddTarget("a", web2, []byte("two"))
		h.repo.Roles["a"].Signed.Expires = start.Add(-day)
		h.repo.PublishAll()
		h.lacks(web1, tuf.ErrExpired, "a: version 3 expired on 2026-02-28T12:00:00Z")
		h.repo.Roles["a"].Signed.Expires = start.Add(7 * day)
		h.repo.PublishAll()
		if got := h.download(web1); got != "one" {
			h.Error(got)
		}
		h.time = start.Add(18 * day)
		h.lacks(web2, tuf.ErrExpired, "a: version 4 expired")
		// A newer version of it is not a problem.
		h.repo.Roles["a"].Signed.Expires = start.Add(21 * day)
		h.repo.PublishAll()
		if got := h.download(web2); got != "two" {
			h.Error(got)
		}
	})
}

// TestAttack05_LockedRun reads the last verified index after it has expired.
func TestAttack05_LockedRun(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.repo.Timestamp.Signed.Expires = start.Add(10 * day)
	h.repo.AddTarget(targets, tuf.RevocationsTarget, []byte("none"))
	h.repo.AddTarget(targets, tuf.PublishersTarget, []byte("all"))
	h.repo.Publish(targets)
	h.config.Keep = []string{tuf.RevocationsTarget, "policy-bundles/absent.tar"}
	_, err := h.open().Verified()
	h.wants(err, tuf.ErrNotFound, "was never verified")
	h.refresh()
	h.time = start.Add(40*day + time.Hour)
	h.refuse(tuf.ErrExpired, "timestamp: version 2 expired on 2026-03-11T12:00:00Z, and it is 2026-04-10T13:00:00Z")

	h.config.Source = nil
	h.refuse(tuf.ErrUnavailable, "there is no source")
	v, err := h.open().Verified()
	h.check(err)
	target, err := v.Target(context.Background(), tuf.RevocationsTarget)
	h.check(err)
	if string(target.Data) != "none" {
		t.Errorf("%s", target.Data)
	}
	_, err = v.Target(context.Background(), tuf.PublishersTarget)
	h.wants(err, tuf.ErrUnavailable, "was not fetched")
	age, err := v.AgeDays()
	h.check(err)
	stale, err := v.StaleDays()
	h.check(err)
	if age != 40 || stale != 30 || !v.At().Equal(start) {
		t.Errorf("%d days old, stale for %d, of %s", age, stale, v.At())
	}
	expired, err := v.Expired()
	h.check(err)
	if len(expired) != 1 || expired[0].Name != timestamp {
		t.Errorf("%v", expired)
	}
}

func TestAttack06_ClockSetBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.repo.Timestamp.Signed.Expires = start.Add(10 * day)
	h.repo.PublishTimestamp()
	v := h.refresh()
	h.time = start.Add(11 * day)
	h.refuse(tuf.ErrExpired, "timestamp")
	h.time = start.Add(9 * day)
	h.refuse(tuf.ErrClock, "clock: it is 2026-03-10T12:00:00Z by the clock of this machine, and was 2026-03-12T12:00:00Z before")
	_, err := v.Target(context.Background(), web1)
	h.wants(err, tuf.ErrClock, "clock")
	// What a time server does is not an attack; what has expired stays expired.
	h.time = start.Add(11*day - 4*time.Minute)
	h.refuse(tuf.ErrExpired, "it is 2026-03-12T12:00:00Z")
	// Reading what was verified is allowed, with the age that is known.
	h.time = start
	v, err = h.open().Verified()
	h.check(err)
	if age, err := v.AgeDays(); err != nil || age != 11 {
		t.Errorf("%d days, %v", age, err)
	}
}

// TestAttack07_ViewKept keeps a view, and then a client, past the expiry of what they verified.
func TestAttack07_ViewKept(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.repo.AddTarget(targets, web1, []byte("one"))
	h.repo.Publish(targets)
	h.repo.Timestamp.Signed.Expires = start.Add(day)
	h.repo.PublishTimestamp()
	client := h.open()
	v, err := client.Refresh(context.Background())
	h.check(err)
	h.check(ignore(v.Target(context.Background(), web1)))
	h.time = start.Add(2 * day)
	_, err = v.Target(context.Background(), web1)
	h.wants(err, tuf.ErrExpired, "timestamp: version 3 expired")
	_, err = client.Refresh(context.Background())
	h.wants(err, tuf.ErrExpired, "timestamp: version 3 expired")
}

// TestAttack07_RoleExpires keeps a view past the expiry of a delegated role that it has loaded.
func TestAttack07_RoleExpires(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.delegate(delegation{from: targets, to: "a"})
	h.repo.AddTarget("a", web1, []byte("one"))
	h.repo.Roles["a"].Signed.Expires = start.Add(day)
	h.repo.PublishAll()
	v := h.refresh()
	h.check(ignore(v.Target(context.Background(), web1)))
	h.time = start.Add(2 * day)
	_, err := v.Target(context.Background(), web1)
	h.wants(err, tuf.ErrExpired, "a: version 3 expired on 2026-03-02T12:00:00Z")
	v, err = h.open().Verified()
	h.check(err)
	h.check(ignore(v.Target(context.Background(), web1)))
}

func TestAttack08_MixAndMatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		serve func(h *harness)
		says  string
	}{
		"OldTargets": {func(h *harness) {
			h.repo.Set("metadata/2.targets.json", h.repo.Get("metadata/1.targets.json"))
		}, "targets: "},
		"OldSnapshot": {func(h *harness) {
			h.repo.Set("metadata/2.snapshot.json", h.repo.Get("metadata/1.snapshot.json"))
		}, "snapshot: "},
		"TargetsOfAnotherTime": {func(h *harness) {
			h.repo.Roles[targets].Signed.Expires = start.Add(99 * day)
			meta := maps.Clone(h.repo.Snapshot.Signed.Meta)
			h.repo.PutRole(targets)
			h.repo.Snapshot.Signed.Meta = meta
		}, "targets: hash verification failed"},
		"SnapshotOfAnotherTime": {func(h *harness) {
			h.repo.Snapshot.Signed.Expires = start.Add(99 * day)
			meta := maps.Clone(h.repo.Timestamp.Signed.Meta)
			h.repo.PutSnapshot()
			h.repo.Timestamp.Signed.Meta = meta
		}, "snapshot: hash verification failed"},
		"OtherVersionInside": {func(h *harness) {
			h.repo.Roles[targets].Signed.Version = 7
			h.repo.PutRole(targets)
			h.repo.Set("metadata/2.targets.json", h.repo.Get("metadata/7.targets.json"))
			h.repo.Snapshot.Signed.Meta["targets.json"].Version = 2
			h.repo.PublishSnapshot()
		}, "targets: version 7: expected targets version 2, got 7"},
		"OtherSnapshotVersionInside": {func(h *harness) {
			h.repo.Snapshot.Signed.Version = 7
			h.repo.PutSnapshot()
			h.repo.Set("metadata/3.snapshot.json", h.repo.Get("metadata/7.snapshot.json"))
			h.repo.Timestamp.Signed.Meta["snapshot.json"].Version = 3
			h.repo.PublishTimestamp()
		}, "snapshot: has the version 7, the timestamp names version 3"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.refresh()
			h.repo.PublishAll()
			tc.serve(h)
			h.refuse(tuf.ErrMismatch, tc.says)
		})
	}
}

// TestAttack08_SameVersionOtherContent publishes another snapshot under the version that the client
// has: the hash decides.
func TestAttack08_SameVersionOtherContent(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.refresh()
	h.repo.Snapshot.Signed.Expires = start.Add(99 * day)
	h.repo.PutSnapshot()
	h.repo.PublishTimestamp()
	if got := h.refresh().Roles()[2].Expires; !got.Equal(start.Add(99 * day)) {
		t.Errorf("the snapshot expires on %s", got)
	}
}

// TestAttack09_FastForward recovers from versions that a thief of keys raised as far as they go.
func TestAttack09_FastForward(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		raise   func(*tuftest.Repository, int64)
		rotated []string
	}{
		timestamp: {func(r *tuftest.Repository, v int64) { r.Timestamp.Signed.Version = v; r.PutTimestamp() }, []string{timestamp}},
		snapshot: {func(r *tuftest.Repository, v int64) {
			r.Snapshot.Signed.Version = v
			r.PutSnapshot()
			r.PublishTimestamp()
		}, []string{snapshot, timestamp}},
		targets: {func(r *tuftest.Repository, v int64) {
			r.Roles[targets].Signed.Version = v
			r.PutRole(targets)
			r.PublishSnapshot()
		}, []string{snapshot}},
	}
	for role, tc := range tests {
		for _, version := range []int64{math.MaxInt32, math.MaxInt64} {
			t.Run(fmt.Sprint(role, version), func(t *testing.T) {
				t.Parallel()
				h := newHarness(t, false)
				tc.raise(h.repo, version)
				h.refresh()
				tc.raise(h.repo, 5)
				h.refuse(tuf.ErrRollback, "")
				for i, rotated := range tc.rotated {
					h.repo.Rotate(rotated, 1, tuftest.NewKey(byte(60+i)))
				}
				h.repo.PublishRoot()
				h.repo.PutRole(targets)
				h.repo.PublishSnapshot()
				h.refresh()
				if newest := h.refresh().Roles(); slices.ContainsFunc(newest, func(r tuf.Role) bool { return r.Version > 100 }) {
					t.Errorf("%v", newest)
				}
			})
		}
	}
}
