package tuf_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
	"github.com/latticenet/lattice-host/registry/release"
)

// start is when tests begin.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// The targets that tests use.
const (
	web1 = "releases/acme/web/1.0.0.json"
	web2 = "releases/acme/web/2.0.0.json"
	api1 = "releases/beta/api/1.0.0.json"
)

// harness is a repository and one client of it.
type harness struct {
	*testing.T
	repo   *tuftest.Repository
	config tuf.Config
	time   time.Time
}

// newHarness returns a client of a fresh repository. A loose client takes any repository, and the
// repository is one without lengths and hashes.
func newHarness(t *testing.T, loose bool) *harness {
	t.Helper()
	h := &harness{T: t, repo: tuftest.New(t, start), time: start}
	h.repo.Hashes = !loose
	if loose {
		h.repo.PublishAll()
	}
	h.config = tuf.Config{
		Root: h.repo.Get("metadata/1.root.json"), Dir: t.TempDir(), Source: h.repo, AnyRepository: loose,
		Clock: func() time.Time { return h.time },
	}
	h.repo.Asked()
	return h
}

func (h *harness) open() *tuf.Client {
	h.Helper()
	c, err := tuf.Open(h.config)
	h.check(err)
	return c
}

func (h *harness) check(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// refresh is what must succeed.
func (h *harness) refresh() *tuf.View {
	h.Helper()
	v, err := h.open().Refresh(context.Background())
	h.check(err)
	return v
}

// refuse is what must fail with an error of a kind that says something.
func (h *harness) refuse(kind error, says string) {
	h.Helper()
	v, err := h.open().Refresh(context.Background())
	h.wants(err, kind, says)
	if v != nil {
		h.Error("a failed refresh returns a view")
	}
}

func (h *harness) wants(err, kind error, says string) {
	h.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), says) {
		h.Errorf("got %v, want an error that is %q and says %q", err, kind, says)
		return
	}
	trust := !errors.Is(kind, tuf.ErrUnavailable) && !errors.Is(kind, tuf.ErrNotFound)
	if errors.Is(err, release.ErrNotTrusted) != trust {
		h.Errorf("%v: is not-trusted: %v", err, !trust)
	}
}

// download refreshes and returns a target that must be there.
func (h *harness) download(name string) string {
	h.Helper()
	target, err := h.refresh().Target(context.Background(), name)
	h.check(err)
	return string(target.Data)
}

// lacks refreshes and asks for a target, which must fail.
func (h *harness) lacks(name string, kind error, says string) {
	h.Helper()
	_, err := h.refresh().Target(context.Background(), name)
	h.wants(err, kind, says)
}

// versions checks the versions of the newest verified metadata.
func (h *harness) versions(root, timestamp, snapshot, targets int64) {
	h.Helper()
	newest, err := h.open().Newest()
	h.check(err)
	want := map[string]int64{"root": root, "timestamp": timestamp, "snapshot": snapshot, "targets": targets}
	maps.DeleteFunc(want, func(_ string, v int64) bool { return v == 0 })
	got := map[string]int64{}
	for role, data := range newest {
		got[role] = versionOf(h, data)
	}
	for _, role := range slices.Collect(maps.Keys(got)) {
		if !slices.Contains(metadata.TOP_LEVEL_ROLE_NAMES[:], role) {
			delete(got, role)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		h.Error(diff)
	}
}

// asked checks which files of metadata were asked for since the last time.
func (h *harness) asked(want ...string) {
	h.Helper()
	if diff := cmp.Diff(want, h.repo.Asked()); diff != "" {
		h.Error(diff)
	}
}

// Values that keep the tables short.
const (
	root, timestamp, snapshot, targets = metadata.ROOT, metadata.TIMESTAMP, metadata.SNAPSHOT, metadata.TARGETS
)

// both runs a test against an index and against a repository that just follows the specification.
func both(t *testing.T, test func(h *harness)) {
	t.Helper()
	for name, loose := range map[string]bool{"Index": false, "AnyRepository": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newHarness(t, loose))
		})
	}
}

// newKeys returns one key that nothing else uses.
func newKeys(n byte) []tuftest.Key { return []tuftest.Key{tuftest.NewKey(150 + n)} }

// location returns where a target is published.
func location(name, content string) string { return tuftest.TargetPath(name, []byte(content)) }
