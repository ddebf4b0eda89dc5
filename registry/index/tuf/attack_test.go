package tuf_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

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
	// What a time server does is no attack; what has expired stays expired.
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

// TestAttack08_SameVersionOtherContent publishes another snapshot under the version that the client has: the hash decides.
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

// endless is a body without an end; its length is not announced.
type endless struct{ sent *int64 }

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	*e.sent += int64(len(p))
	return len(p), nil
}

func (endless) Close() error { return nil }

// faulty is a server that answers some files in its own way.
type faulty struct {
	http.Handler
	file string
	body func() io.ReadCloser
}

func (f faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.body != nil && strings.HasSuffix(r.URL.Path, f.file) {
		return &http.Response{
			StatusCode: http.StatusOK, Body: f.body(), ContentLength: -1, Request: r, Header: http.Header{},
		}, r.Context().Err()
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result(), nil
}

func (h *harness) serve(f faulty) {
	h.Helper()
	f.Handler = h.repo
	source, err := tuf.OpenHTTP("http://index.example/", tuf.HTTPOptions{Transport: f, Clock: h.config.Clock})
	h.check(err)
	h.config.Source = source
}

func TestAttack10_Endless(t *testing.T) {
	t.Parallel()
	target := tuftest.TargetPath(web1, []byte("one"))
	for file, limit := range map[string]int64{
		"2.root.json": 512_000, "timestamp.json": 16_384, "2.snapshot.json": 2_000_000, "2.targets.json": 5_000_000,
		strings.TrimPrefix(target, "releases/acme/web/"): 3,
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.repo.AddTarget(targets, web1, []byte("one"))
			h.repo.PublishAll()
			var sent int64
			h.serve(faulty{file: file, body: func() io.ReadCloser { return endless{&sent} }})
			v, err := h.open().Refresh(context.Background())
			if err == nil {
				_, err = v.Target(context.Background(), web1)
			}
			h.wants(err, tuf.ErrMismatch, "has more than")
			// One buffer may be read beyond the limit.
			if sent == 0 || sent > limit+limit/4+4096 {
				t.Errorf("%d bytes were read, the limit is %d", sent, limit)
			}
		})
	}
}

// trickle sends a byte at a time, each of which takes a while.
type trickle struct {
	tick func()
	data *bytes.Reader
}

func (s trickle) Read(p []byte) (int, error) {
	s.tick()
	return s.data.Read(p[:1])
}

func (trickle) Close() error { return nil }

func TestAttack11_SlowRetrieval(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	data := h.repo.Get("metadata/timestamp.json")
	h.serve(faulty{file: "timestamp.json", body: func() io.ReadCloser {
		return trickle{func() { h.time = h.time.Add(time.Second) }, bytes.NewReader(data)}
	}})
	h.refuse(tuf.ErrUnavailable, "the source is too slow: 11 bytes in 11s")
}

// silent answers no request for a file. It waits for nothing: that there is a deadline is what counts.
type silent struct {
	faulty
	limit time.Duration
}

func (s silent) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, s.file) {
		return s.faulty.RoundTrip(r)
	}
	if deadline, ok := r.Context().Deadline(); !ok || time.Until(deadline) > s.limit {
		return nil, fmt.Errorf("the request may take until %s", deadline)
	}
	return nil, context.DeadlineExceeded
}

func TestAttack11_Silent(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", "1.0.0.json"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.repo.AddTarget(targets, web1, []byte("one"))
			h.repo.PublishAll()
			transport := silent{faulty{Handler: h.repo, file: file}, tuf.DefaultTimeout}
			source, err := tuf.OpenHTTP("http://index.example", tuf.HTTPOptions{Transport: transport})
			h.check(err)
			h.config.Source = source
			v, err := h.open().Refresh(context.Background())
			if err == nil {
				_, err = v.Target(context.Background(), web1)
			}
			h.wants(err, tuf.ErrUnavailable, file)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
}

// revoke replaces the keys of all online roles after they were stolen, and returns what a thief then signs with them: a
// newer timestamp that leads to malware.
func (h *harness) revoke() (forged map[string][]byte) {
	h.Helper()
	for i, role := range []string{timestamp, snapshot, targets} {
		h.repo.Rotate(role, 1, tuftest.NewKey(byte(200+i)))
	}
	h.repo.PublishRoot()
	h.repo.PublishAll()
	thief := tuftest.New(h.T, start)
	for range 5 {
		thief.PublishAll()
	}
	thief.AddTarget(targets, web1, []byte("malware"))
	thief.PublishAll()
	return thief.Files
}

// TestAttack12_RootDowngrade withholds the root that revoked stolen keys from a client that has seen it.
func TestAttack12_RootDowngrade(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	forged := h.revoke()
	h.refresh()
	for name, data := range forged {
		h.repo.Set(name, data)
	}
	h.repo.Remove("metadata/2.root.json")
	h.refuse(tuf.ErrSignature, "timestamp: version 7: Verifying timestamp failed")
	h.versions(2, 2, 2, 2)
}

// TestAttack12_HistoryRemoved takes the kept root away as well: that the client once came further is still known.
func TestAttack12_HistoryRemoved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	forged := h.revoke()
	h.refresh()
	for name, data := range forged {
		h.repo.Set(name, data)
	}
	h.repo.Remove("metadata/2.root.json")
	h.check(os.Remove(filepath.Join(h.config.Dir, "roots", "2.root.json")))
	h.refuse(tuf.ErrRollback, "root: version 1 is offered, and version 2 was verified before")
	_, err := h.open().Verified()
	h.wants(err, tuf.ErrState, "no chain of signatures leads from root version 1 to version 2")
}

// TestAttack12_SeenInFailedRefresh: a root counts from when it was verified, whatever happens afterwards.
func TestAttack12_SeenInFailedRefresh(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.refresh()
	forged := h.revoke()
	h.repo.Remove("metadata/timestamp.json")
	h.refuse(tuf.ErrUnavailable, "timestamp.json")
	for name, data := range forged {
		h.repo.Set(name, data)
	}
	h.repo.Remove("metadata/2.root.json")
	h.refuse(tuf.ErrSignature, "timestamp: version 7")
}

// TestAttack13_PoisonedRoot puts a root of somebody else's into the folder: the pinned one decides.
func TestAttack13_PoisonedRoot(t *testing.T) {
	t.Parallel()
	poison := func(h *harness) {
		evil := tuftest.New(t, start)
		evil.Rotate(root, 1, tuftest.NewKey(250))
		evil.PublishRoot()
		h.check(os.MkdirAll(filepath.Join(h.config.Dir, "roots"), 0o755))
		h.check(os.WriteFile(filepath.Join(h.config.Dir, "roots", "2.root.json"), evil.Get("metadata/2.root.json"), 0o644))
	}
	t.Run("NoNewerRoot", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, false)
		poison(h)
		h.refresh()
		h.versions(1, 1, 1, 1)
	})
	t.Run("InPlaceOfNewerRoot", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, false)
		h.repo.PublishRoot()
		h.refresh()
		poison(h)
		h.refresh()
		h.versions(2, 1, 1, 1)
		kept, err := os.ReadFile(filepath.Join(h.config.Dir, "roots", "2.root.json"))
		if err != nil || !bytes.Equal(kept, h.repo.Get("metadata/2.root.json")) {
			t.Error("the kept root was not healed", err)
		}
	})
}

func TestAttack14_RootSkipsVersion(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.repo.Root.Signed.Version = 2
		h.repo.PublishRoot()
		h.repo.Set("metadata/2.root.json", h.repo.Get("metadata/3.root.json"))
		h.refuse(tuf.ErrMismatch, "root: version 3: bad version number, expected 2, got 3")
		h.repo.Set("metadata/2.root.json", h.repo.Get("metadata/1.root.json"))
		h.refuse(tuf.ErrMismatch, "root: version 1: bad version number, expected 2, got 1")
	})
}

func TestAttack16_Threshold(t *testing.T) {
	t.Parallel()
	for _, threshold := range []int{0, -1} {
		for _, role := range []string{timestamp, snapshot, targets} {
			t.Run(fmt.Sprint(role, threshold), func(t *testing.T) {
				t.Parallel()
				h := newHarness(t, false)
				h.repo.Root.Signed.Roles[role].Threshold = threshold
				h.repo.Keys[role] = nil
				h.repo.PublishRoot()
				h.repo.PublishAll()
				h.refuse(tuf.ErrMalformed, fmt.Sprintf("root: %s has the threshold %d", role, threshold))
			})
		}
		t.Run(fmt.Sprint("delegated", threshold), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.delegate(delegation{from: targets, to: "a"})
			h.repo.Roles[targets].Signed.Delegations.Roles[0].Threshold = threshold
			h.repo.PublishAll()
			h.refuse(tuf.ErrMalformed, "targets: a has the threshold")
		})
	}
}

// TestAttack17_SameKeyTwice meets a threshold of two with one key.
func TestAttack17_SameKeyTwice(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(h *harness, key tuftest.Key)
		kind   error
		says   string
	}{
		"TwoKeyIDs": {func(h *harness, key tuftest.Key) {
			signed := &h.repo.Root.Signed
			other := key.Public()
			other.UnrecognizedFields = map[string]any{"x": 1}
			id, err := other.ID()
			h.check(err)
			signed.Keys[id] = other
			signed.Roles[snapshot].KeyIDs = append(signed.Roles[snapshot].KeyIDs, id)
			h.repo.PublishRoot()
			h.repo.PublishSnapshot()
			signature := h.repo.Snapshot.Signatures[0]
			signature.KeyID = id
			h.repo.Snapshot.Signatures = append(h.repo.Snapshot.Signatures, signature)
			h.serveSnapshot()
		}, tuf.ErrSignature, "got 1, want 2"},
		"KeyIDTwice": {func(h *harness, _ tuftest.Key) {
			signed := &h.repo.Root.Signed
			signed.Roles[snapshot].KeyIDs = append(signed.Roles[snapshot].KeyIDs, signed.Roles[snapshot].KeyIDs[0])
			h.repo.PublishRoot()
			h.repo.PublishSnapshot()
		}, tuf.ErrSignature, "got 1, want 2"},
		"SignatureTwice": {func(h *harness, _ tuftest.Key) {
			h.repo.PublishRoot()
			h.repo.PublishSnapshot()
			h.repo.Snapshot.Signatures = append(h.repo.Snapshot.Signatures, h.repo.Snapshot.Signatures[0])
			h.serveSnapshot()
		}, tuf.ErrMalformed, "multiple signatures found for key ID"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			key := tuftest.NewKey(70)
			h.repo.Rotate(snapshot, 2, key)
			tc.change(h, key)
			h.refuse(tc.kind, tc.says)
		})
	}
}

// serveSnapshot serves the snapshot with the signatures that it has, and a timestamp that names it.
func (h *harness) serveSnapshot() {
	h.Helper()
	signed := *h.repo.Snapshot
	h.repo.PutSnapshot()
	data, err := signed.ToBytes(false)
	h.check(err)
	h.publishAs("snapshot", fmt.Sprintf("metadata/%d.snapshot.json", signed.Signed.Version), data)
}

// publishAs serves bytes as metadata of a role, with signatures of the roles above it that name exactly these bytes.
func (h *harness) publishAs(role, path string, data []byte) {
	h.Helper()
	h.repo.Set(path, data)
	meta := tuftest.Meta(versionOf(h, data), data)
	if role == snapshot {
		h.repo.Timestamp.Signed.Meta["snapshot.json"] = meta
		h.repo.PublishTimestamp()
		return
	}
	h.repo.Snapshot.Signed.Meta[role+".json"] = meta
	h.repo.PublishSnapshot()
}

func TestAttack18_WrongTypeOrSigner(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		root: "metadata/2.root.json", timestamp: "metadata/timestamp.json",
		snapshot: "metadata/2.snapshot.json", targets: "metadata/2.targets.json",
	}
	for role, path := range files {
		publish := func(h *harness) {
			h.repo.PublishRoot()
			h.repo.PublishAll()
		}
		t.Run(role+"/OtherType", func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, true)
			h.repo.Snapshot.Signed.Version, h.repo.Roles[targets].Signed.Version = 1, 1
			publish(h)
			h.replaceIn(path, `"_type":"`+role+`"`, `"_type":"other"`)
			h.refuse(tuf.ErrMalformed, role+": expected metadata type "+role)
		})
		t.Run(role+"/Unsigned", func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, true)
			h.repo.Keys[role] = nil
			h.repo.Snapshot.Signed.Version, h.repo.Roles[targets].Signed.Version = 1, 1
			publish(h)
			h.refuse(tuf.ErrSignature, role+": version")
		})
		t.Run(role+"/OtherRolesKey", func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, true)
			other := map[string]string{root: targets, timestamp: snapshot, snapshot: timestamp, targets: snapshot}[role]
			h.repo.Keys[role] = h.repo.Keys[other]
			h.repo.Snapshot.Signed.Version, h.repo.Roles[targets].Signed.Version = 1, 1
			publish(h)
			h.refuse(tuf.ErrSignature, role+": version")
		})
	}
}

// TestAttack20_Diamond has two roles delegate to a third, which only the first one's key signed.
func TestAttack20_Diamond(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		acme, beta := []string{"releases/acme/*/*"}, []string{"releases/beta/*/*"}
		h.delegate(delegation{from: targets, to: "a", paths: acme}, delegation{from: targets, to: "b", paths: beta})
		good, bad := tuftest.NewKey(81), tuftest.NewKey(82)
		h.repo.Delegate("a", metadata.DelegatedRole{Name: "c", Paths: acme}, good)
		h.repo.Delegate("b", metadata.DelegatedRole{Name: "c", Paths: beta}, bad)
		h.repo.AddTarget("c", web1, []byte("one"))
		h.repo.PublishAll()
		v := h.refresh()
		h.check(ignore(v.Target(context.Background(), web1)))
		_, err := v.Target(context.Background(), api1)
		h.wants(err, tuf.ErrSignature, "c: version 2: Verifying c failed")
	})
}

// TestAttack21_Names has a role list names that it must not.
func TestAttack21_Names(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"releases/acme/../evil.json", "releases/acme/web/../../evil.json", "releases/beta/web/1.0.0.json", "../evil", "/etc/passwd",
		"releases/acme/Web/1.0.0.json", "releases/acme/web/1.0.json", "releases/acme/web/1.0.0", "releases//web/1.0.0.json",
		"releases/acme/web/1.0.0.json/", "releases/acme/wéb/1.0.0.json", "publishers.json", "revocations.json", "",
		"releases/acme/web/..%2f1.0.0.json", "releases\\acme\\web\\1.0.0.json", "policy-bundles/x.tar",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.delegate(delegation{from: targets, to: "a", paths: []string{"releases/acme/*/*"}})
			file, err := metadata.TargetFile().FromBytes(name, []byte("evil"))
			h.check(err)
			h.repo.Roles["a"].Signed.Targets[name] = file
			h.repo.PublishAll()
			h.lacks(web1, tuf.ErrMalformed, "a: ")
		})
	}
	t.Run("AskedFor", func(t *testing.T) {
		t.Parallel()
		for loose, name := range map[bool]string{false: "releases/acme/../../evil.json", true: "releases/../evil"} {
			h := newHarness(t, loose)
			h.repo.AddTarget(targets, web1, []byte("one"))
			v := h.refresh()
			h.repo.Asked()
			_, err := v.Target(context.Background(), name)
			h.wants(err, tuf.ErrNotFound, "no target of an index has such a name")
			h.asked()
		}
	})
}

func TestAttack22_RoleNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"?", "#", "/x", "../x", "%2e%2e", "A", "targets", "x y", strings.Repeat("a", 81)} {
		t.Run("Index/"+name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.delegate(delegation{from: targets, to: name})
			h.refuse(tuf.ErrMalformed, fmt.Sprintf("targets: %q is not a name for a delegated role", name))
		})
	}
	for _, name := range []string{"?", "#", "/x", "../x", "%2e%2e"} {
		t.Run("AnyRepository/"+name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, true)
			h.delegate(delegation{from: targets, to: name, paths: []string{"*"}})
			h.repo.AddTarget(name, "file", []byte("content"))
			h.repo.PublishAll()
			h.serve(faulty{})
			if got := h.download("file"); got != "content" {
				t.Error(got)
			}
			outside, err := os.ReadDir(filepath.Dir(h.config.Dir))
			if err != nil || len(outside) != 1 {
				t.Errorf("beside the folder: %v, %v", outside, err)
			}
		})
	}
}

func TestAttack23_TargetSubstituted(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.repo.AddTarget(targets, web1, []byte("one"))
		h.repo.AddTarget(targets, web2, []byte("two"))
		h.repo.Publish(targets)
		h.download(web1)
		for name, content := range map[string]string{web1: "one", web2: "two"} {
			h.repo.Set("targets/"+tuftest.TargetPath(name, []byte(content)), []byte("bad"))
		}
		if got := h.download(web1); got != "one" {
			h.Errorf("got %q", got)
		}
		h.lacks(web2, tuf.ErrMismatch, web2)
	})
}

// TestAttack23_KeptTargetEdited edits the kept copy of a target: it is fetched again.
func TestAttack23_KeptTargetEdited(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.repo.AddTarget(targets, web1, []byte("one"))
	h.repo.Publish(targets)
	h.download(web1)
	files, err := filepath.Glob(filepath.Join(h.config.Dir, "targets", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	h.check(os.WriteFile(files[0], []byte("bad"), 0o644))
	if got := h.download(web1); got != "one" {
		t.Errorf("got %q", got)
	}
	if kept, err := os.ReadFile(files[0]); err != nil || string(kept) != "one" {
		t.Errorf("the copy was not healed: %q, %v", kept, err)
	}
}
