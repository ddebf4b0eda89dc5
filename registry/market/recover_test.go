package market_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/internal/indextest"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

// TestAttack40_MemoryRemoved serves an older index to an installation that has lost what it saw, or
// never saw anything: its lock was copied. The lock says how new the index was.
func TestAttack40_MemoryRemoved(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "acme/api@1.0.0"))
	before := t.TempDir()
	check(t, os.CopyFS(before, os.DirFS(x.Dir)))
	x.Revoke(revocation.Entry{Plugin: "acme/api", Reason: "leaks"})
	h := newHome(t, x)
	activate(t, h, "web")
	state := filepath.Join(h.Dir(), "indexes", "main", "state")
	check(t, os.RemoveAll(state))
	// The newest one is intact.
	if _, err := load(h, "web"); err != nil {
		t.Error(err)
	}
	newest := x.Dir + ".newest"
	check(t, os.Rename(x.Dir, newest))
	check(t, os.Rename(before, x.Dir))
	check(t, os.RemoveAll(state))
	const says = "snapshot: version 3 is offered, and lattice.lock was written with version 4: use another mirror"
	_, err := load(h, "web")
	refused(t, "What is revoked in the older one is not all that is.", err, "what is revoked is not known: index: not trusted: metadata rolled back: "+says)
	_, err = h.Install(context.Background(), []string{"api"}, market.Options{})
	refused(t, "Nothing is installed from it.", err, says)
	_, err = h.FetchIndexes(context.Background(), nil, "")
	refused(t, "Nor is it fetched.", err, says)
	// It is forgotten when the newer one is there again.
	check(t, os.RemoveAll(x.Dir))
	check(t, os.Rename(newest, x.Dir))
	if _, err := load(h, "web"); err != nil {
		t.Error(err)
	}
}

// TestFastForwardRecovered: after its keys were replaced, a snapshot may begin to count again.
func TestFastForwardRecovered(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	h := newHome(t, x)
	activate(t, h, "web")
	path := filepath.Join(h.Dir(), lock.FileName)
	l, err := lock.Read(path)
	check(t, err)
	l.Indexes[0].Snapshot = 1 << 40
	check(t, lock.Write(path, l))
	_, err = load(h, "web")
	refused(t, "A thief of the key of snapshot raised its version.", err, "lattice.lock was written with version 1099511627776")
	fresh := registrytest.Key(t, 99)
	x.Keys[author.RoleSnapshot], x.Keys[author.RoleTimestamp] = fresh, fresh
	x.Change(func(d *author.Draft) error {
		signers := author.Signers{Keys: []release.PublicKey{fresh.Public()}, Threshold: 1}
		if err := d.Rotate(author.RoleSnapshot, signers); err != nil {
			return err
		}
		return d.Rotate(author.RoleTimestamp, signers)
	})
	if _, err := load(h, "web"); err != nil {
		t.Error(err)
	}
	install(t, h, "web")
	if l, err := lock.Read(path); err != nil || l.Indexes[0].Snapshot > 100 || l.Indexes[0].Root != 2 {
		t.Errorf("%+v, %v", l.Indexes, err)
	}
}

// TestPinHealed puts a pinned root back that was lost or damaged, when the same is trusted again.
func TestPinHealed(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	h := newHome(t, x)
	activate(t, h, "web")
	pin := filepath.Join(h.Dir(), "indexes", "main", "root.json")
	for _, damage := range []func() error{
		func() error { return os.Remove(pin) }, func() error { return os.Truncate(pin, 10) },
	} {
		check(t, damage())
		_, err := load(h, "web")
		refused(t, "Without the pin nothing is known.", err, "trust the index main again with the root that you pinned")
		trust(t, h.Home, "main", x)
		if _, err := load(h, "web"); err != nil {
			t.Error(err)
		}
	}
}

// TestUntrustKilled begins with what a process left that was killed while it forgot an index of the
// same name.
func TestUntrustKilled(t *testing.T) {
	t.Parallel()
	old := indextest.New(t, otherSeed, indextest.Sign(t, "acme/web@1.0.0"))
	for range 5 {
		old.Renew()
	}
	h := newHome(t, old)
	_, err := h.FetchIndexes(context.Background(), nil, "")
	check(t, err)
	left := t.TempDir()
	check(t, os.CopyFS(left, os.DirFS(filepath.Join(h.Dir(), "indexes"))))
	check(t, h.UntrustIndex("main"))
	check(t, os.CopyFS(filepath.Join(h.Dir(), "indexes"), os.DirFS(left)))
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	trust(t, h.Home, "main", x)
	install(t, h, "web")
}

// TestTidied removes what killed processes left, and leaves alone what may still be written.
func TestTidied(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	h := newHome(t, x)
	install(t, h, "web")
	longAgo := time.Now().Add(-2 * time.Hour)
	var old, fresh []string
	for _, folder := range []string{".", "receipts", "store", "store/blobs/sha256", "indexes/main"} {
		for _, list := range []*[]string{&old, &fresh} {
			f, err := os.CreateTemp(filepath.Join(h.Dir(), folder), ".x.tmp-*")
			check(t, err)
			check(t, f.Close())
			*list = append(*list, f.Name())
		}
		check(t, os.Chtimes(old[len(old)-1], longAgo, longAgo))
	}
	install(t, h, "web")
	for _, file := range old {
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%s is still there", file)
		}
	}
	for _, file := range fresh {
		check(t, os.Remove(file))
	}
}

// TestStoreNames finds out that other tools do not find what is installed any more.
func TestStoreNames(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "acme/api@1.0.0"))
	h := newHome(t, x)
	install(t, h, "web", "api")
	index := filepath.Join(h.Dir(), "store", "index.json")
	write(t, []byte(`{"x":1}`), index)
	_, err := h.CheckStore(context.Background())
	refused(t, "All names are lost.", err, "no artifact is named acme/web@1.0.0: file does not exist: run lattice-host install acme/web@1.0.0")
	install(t, h, "web", "api")
	_, err = h.CheckStore(context.Background())
	check(t, err)
	// Two plugins have changed their names.
	swapped := strings.NewReplacer("acme/web", "acme/api", "acme/api", "acme/web").Replace(string(read(t, index)))
	write(t, []byte(swapped), index)
	_, err = h.CheckStore(context.Background())
	refused(t, "A name leads to another plugin.", err, "under the name acme/web@1.0.0, lattice.lock says sha256:")
	install(t, h, "web", "api")
	layout := filepath.Join(h.Dir(), "store", "oci-layout")
	write(t, []byte(`{"imageLayoutVersion":"2.0.0"}`), layout)
	_, err = h.CheckStore(context.Background())
	refused(t, "It is not a layout any more.", err, layout+": corrupt: must say that the layout has the version 1.0.0")
	install(t, h, "web")
	_, err = h.CheckStore(context.Background())
	check(t, err)
}
