// Package indextest makes signed indexes in folders for tests of the registry. Everything is
// deterministic.
package indextest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/oci"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/registry/store"
)

// The seeds of the publishers' keys.
const (
	AcmeKey = 1
	BetaKey = 2
)

// Now is when the tests take place.
var Now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Index is an index in a folder.
type Index struct {
	tb testing.TB
	// Dir is its folder, Root the root that users pin.
	Dir  string
	Root []byte
	// Keys are those of the roles, all online and offline ones together.
	Keys map[string]release.PrivateKey
	// At is when the next change is published.
	At time.Time
}

// New makes an index with the publishers acme and beta. The roles' keys begin at the seed.
func New(tb testing.TB, seed byte, releases ...registrytest.Release) *Index {
	tb.Helper()
	x := &Index{tb: tb, Dir: tb.TempDir(), Keys: map[string]release.PrivateKey{}, At: Now}
	signers := map[string]author.Signers{}
	for i, role := range author.Roles() {
		x.Keys[role] = registrytest.Key(tb, seed+byte(i))
		signers[role] = author.Signers{Keys: []release.PublicKey{x.Keys[role].Public()}, Threshold: 1}
	}
	draft, err := author.New(signers, author.Options{})
	x.check(err)
	x.publish(draft)
	x.Root = x.read("metadata", "1.root.json")
	l := publisher.New()
	for id, seed := range map[string]byte{"acme": AcmeKey, "beta": BetaKey} {
		x.check(l.Set(publisher.Publisher{ID: id, Name: id, Keys: []publisher.Key{
			publisher.NewKey(registrytest.Key(tb, seed).Public(), time.Time{}, time.Time{}),
		}}))
	}
	x.Publishers(l)
	x.Add(releases...)
	return x
}

// Sign returns a release of acme or beta.
func Sign(tb testing.TB, reference string, capabilities ...abi.Capability) registrytest.Release {
	tb.Helper()
	m := registrytest.Manifest(tb, reference, capabilities...)
	seed := byte(AcmeKey)
	if m.Publisher == "beta" {
		seed = BetaKey
	}
	return registrytest.Sign(tb, registrytest.Key(tb, seed), m)
}

func (x *Index) check(err error) {
	x.tb.Helper()
	if err != nil {
		x.tb.Fatal(err)
	}
}

func (x *Index) read(elements ...string) []byte {
	x.tb.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{x.Dir}, elements...)...))
	x.check(err)
	return data
}

func (x *Index) publish(draft *author.Draft) {
	x.tb.Helper()
	var keys []release.PrivateKey
	for _, role := range author.Roles() {
		keys = append(keys, x.Keys[role])
	}
	change, err := draft.Publish(x.At, author.Online(), keys)
	x.check(err)
	x.check(change.Write(x.Dir))
}

// Change publishes a change of the index.
func (x *Index) Change(change func(*author.Draft) error) {
	x.tb.Helper()
	draft, err := author.Open(context.Background(), x.Dir, x.Root)
	x.check(err)
	x.check(change(draft))
	x.publish(draft)
}

// Publishers replaces publishers.json.
func (x *Index) Publishers(l *publisher.List) {
	x.tb.Helper()
	data, err := l.Encode()
	x.check(err)
	x.Change(func(d *author.Draft) error { return d.Set(tuf.PublishersTarget, data) })
}

// Add adds releases, with their files.
func (x *Index) Add(releases ...registrytest.Release) {
	x.tb.Helper()
	if len(releases) == 0 {
		return
	}
	files := store.Open(filepath.Join(x.Dir, tuf.LayoutFolder))
	x.Change(func(d *author.Draft) error {
		for _, r := range releases {
			artifact, err := oci.Pack(context.Background(), files.Blobs(), r.Wasm, r.Bundle, r.Manifest)
			x.check(err)
			x.check(files.Tag(r.Reference(), artifact.Manifest, artifact.Bundles...))
			x.check(d.AddRelease(Listing(r)))
		}
		return nil
	})
}

// Listing returns what an author says about a release.
func Listing(r registrytest.Release) author.Release {
	m := r.Manifest
	return author.Release{
		Publisher: m.Publisher, Name: m.Name, Version: m.Version, Summary: m.Summary, ABI: m.ABI,
		Capabilities: release.CapabilityNames(m), Digest: r.Digest(), Size: int64(len(r.Wasm)), Bundle: r.Bundle,
	}
}

// Yank takes a release back, or offers it again when there is no reason.
func (x *Index) Yank(publisher, name, version, reason string) {
	x.tb.Helper()
	x.Change(func(d *author.Draft) error { return d.Yank(tuf.ReleaseTarget(publisher, name, version), reason) })
}

// Revoke revokes what an entry names.
func (x *Index) Revoke(e revocation.Entry) {
	x.tb.Helper()
	e.Since = x.At.Format("2006-01-02T15:04:05Z")
	x.Change(func(d *author.Draft) error { return d.Revoke(e) })
}

// Restore takes the revocation of a subject back.
func (x *Index) Restore(subject string) {
	x.tb.Helper()
	x.Change(func(d *author.Draft) error { return d.Restore(subject) })
}

// Renew publishes every role again.
func (x *Index) Renew() {
	x.tb.Helper()
	x.Change(func(d *author.Draft) error { return d.Renew(author.Roles()...) })
}
