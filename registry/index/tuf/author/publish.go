package author

import (
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/registry/release"
)

// Lifetimes are how long a role stays valid after it is published.
type Lifetimes map[string]time.Duration

const day = 24 * time.Hour

// Online returns the lifetimes for an index that a machine renews every day. The shorter the role targets lives, the
// sooner a revocation reaches a client that sees an old mirror for the first time.
func Online() Lifetimes {
	return Lifetimes{RoleRoot: 365 * day, RoleTargets: 90 * day, RoleReleases: 30 * day, RoleSnapshot: day, RoleTimestamp: day}
}

// AirGap returns the lifetimes for an index that people carry to where it is used.
func AirGap() Lifetimes {
	return Lifetimes{RoleRoot: 365 * day, RoleTargets: 90 * day, RoleReleases: 30 * day, RoleSnapshot: 30 * day, RoleTimestamp: 30 * day}
}

// Change is what publishing a draft writes. Until it is written, nothing has happened.
type Change struct {
	// Notes say what changes, one line each.
	Notes []string
	// files are in the order in which they must be written.
	files []file
}

type file struct {
	path string
	data []byte
	// replaces says that the file may be there with another content.
	replaces bool
}

// Paths returns the files that are written, in their order, relative to the folder of the index.
func (c *Change) Paths() []string {
	paths := make([]string, len(c.files))
	for i, f := range c.files {
		paths[i] = f.path
	}
	return paths
}

// Write writes the change into the folder of the index, which is made if need be. A client sees the index before or after it,
// whenever it looks, because the timestamp, which leads to all else, is written last. Only between a new root that takes a
// key from the timestamp and that timestamp does a client have to try again.
func (c *Change) Write(dir string) error {
	for _, f := range c.files {
		name := filepath.Join(dir, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := f.write(name); err != nil {
			return err
		}
	}
	return nil
}

func (f file) write(name string) error {
	if f.replaces {
		return diskfile.Replace(name, f.data, 0o644)
	}
	present, err := diskfile.Read(os.OpenFile, name, int64(len(f.data)))
	if err == nil && slices.Equal(present, f.data) {
		return nil
	}
	if err == nil || errors.Is(err, diskfile.ErrTooLarge) {
		return fmt.Errorf("%s: is there with another content: somebody else published at the same time, begin again", name)
	}
	return diskfile.Create(name, f.data, 0o644)
}

// Publish signs what has changed with those of keys that belong to it. It is an error when they are too few for a role.
// Where nothing has changed there are no files. A draft is published once, whether or not that succeeds: its versions have
// been counted then.
func (d *Draft) Publish(now time.Time, lifetimes Lifetimes, keys []release.PrivateKey) (*Change, error) {
	if d.published {
		return nil, errors.New("the draft was published before, open the index again")
	}
	if len(d.changed) == 0 {
		return &Change{}, nil
	}
	d.published = true
	p := &publication{draft: d, now: now, lifetimes: lifetimes, keys: keys, change: &Change{Notes: d.notes}}
	for _, target := range slices.Sorted(maps.Keys(d.contents)) {
		p.change.files = append(p.change.files, file{path: "targets/" + target, data: d.contents[target]})
	}
	for _, step := range []func() error{p.releases, p.targets, p.snapshot, p.root, p.timestamp} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p.change, nil
}

// publication is one call of Publish.
type publication struct {
	draft     *Draft
	now       time.Time
	lifetimes Lifetimes
	keys      []release.PrivateKey
	change    *Change
}

func (p *publication) releases() error {
	d := p.draft
	if !d.changed[RoleReleases] {
		return nil
	}
	signed := &d.releases.Signed
	if err := p.renew(RoleReleases, &signed.Version, &signed.Expires); err != nil {
		return err
	}
	data, err := signRole(p, d.releases, func() error { return d.targets.VerifyDelegate(RoleReleases, d.releases) },
		RoleReleases, d.targets.Signed.Delegations.Roles[0].KeyIDs)
	return p.put(RoleReleases, signed.Version, data, err)
}

func (p *publication) targets() error {
	d := p.draft
	if !d.changed[RoleTargets] {
		return nil
	}
	signed := &d.targets.Signed
	if err := p.renew(RoleTargets, &signed.Version, &signed.Expires); err != nil {
		return err
	}
	data, err := signRole(p, d.targets, func() error { return d.root.VerifyDelegate(RoleTargets, d.targets) }, RoleTargets, p.top(RoleTargets))
	return p.put(RoleTargets, signed.Version, data, err)
}

// put publishes a role with targets and notes it in the snapshot.
func (p *publication) put(role string, version int64, data []byte, err error) error {
	if err != nil {
		return err
	}
	p.draft.changed[RoleSnapshot] = true
	p.draft.snapshot.Signed.Meta[role+".json"] = meta(version, data)
	p.add(fmt.Sprintf("%d.%s.json", version, role), data)
	return nil
}

func (p *publication) snapshot() error {
	d := p.draft
	if !d.changed[RoleSnapshot] {
		return nil
	}
	signed := &d.snapshot.Signed
	if err := p.renew(RoleSnapshot, &signed.Version, &signed.Expires); err != nil {
		return err
	}
	data, err := signRole(p, d.snapshot, func() error { return d.root.VerifyDelegate(RoleSnapshot, d.snapshot) }, RoleSnapshot, p.top(RoleSnapshot))
	if err != nil {
		return err
	}
	d.changed[RoleTimestamp] = true
	d.timestamp.Signed.Meta["snapshot.json"] = meta(signed.Version, data)
	p.add(fmt.Sprintf("%d.snapshot.json", signed.Version), data)
	return nil
}

func (p *publication) timestamp() error {
	d := p.draft
	if !d.changed[RoleTimestamp] {
		return nil
	}
	signed := &d.timestamp.Signed
	if err := p.renew(RoleTimestamp, &signed.Version, &signed.Expires); err != nil {
		return err
	}
	data, err := signRole(p, d.timestamp, func() error { return d.root.VerifyDelegate(RoleTimestamp, d.timestamp) }, RoleTimestamp, p.top(RoleTimestamp))
	if err != nil {
		return err
	}
	p.change.files = append(p.change.files, file{path: "metadata/timestamp.json", data: data, replaces: true})
	return nil
}

// root needs the keys of the root before it as well as its own.
func (p *publication) root() error {
	d := p.draft
	if !d.changed[RoleRoot] {
		return nil
	}
	signed := &d.root.Signed
	if err := p.renew(RoleRoot, &signed.Version, &signed.Expires); err != nil {
		return err
	}
	ids := slices.Clone(p.top(RoleRoot))
	if d.before != nil {
		ids = append(ids, d.before.Signed.Roles[RoleRoot].KeyIDs...)
	}
	data, err := signRole(p, d.root, func() error {
		if d.before != nil {
			if err := d.before.VerifyDelegate(RoleRoot, d.root); err != nil {
				return fmt.Errorf("by the keys of the root before it: %w", err)
			}
		}
		return d.root.VerifyDelegate(RoleRoot, d.root)
	}, RoleRoot, ids)
	if err != nil {
		return err
	}
	p.add(fmt.Sprintf("%d.root.json", signed.Version), data)
	return nil
}

func (p *publication) add(name string, data []byte) {
	p.change.files = append(p.change.files, file{path: "metadata/" + name, data: data})
}

func (p *publication) top(role string) []string { return p.draft.root.Signed.Roles[role].KeyIDs }

// renew raises the version of a role and lets it expire later. TUF knows no fractions of a second.
func (p *publication) renew(role string, version *int64, expires *time.Time) error {
	lifetime := p.lifetimes[role]
	if lifetime <= 0 {
		return fmt.Errorf("%s: the lifetime is %s, it must be more than nothing", role, lifetime)
	}
	*version++
	*expires = p.now.Add(lifetime).UTC().Truncate(time.Second)
	p.change.Notes = append(p.change.Notes, fmt.Sprintf("%s: version %d, expires on %s", role, *version, expires.Format(time.RFC3339)))
	return nil
}

// signRole signs a role with those keys that have one of ids, and checks that they are enough.
func signRole[T metadata.Roles](p *publication, m *metadata.Metadata[T], enough func() error, role string, ids []string) ([]byte, error) {
	m.ClearSignatures()
	signed := map[string]bool{}
	for _, key := range p.keys {
		public, err := metadata.KeyFromPublicKey(key.Public().Ed25519)
		if err != nil {
			return nil, err
		}
		id, err := public.ID()
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, id) || signed[id] {
			continue
		}
		signed[id] = true
		signer, err := signature.LoadSigner(key.Ed25519, crypto.Hash(0))
		if err != nil {
			return nil, err
		}
		if _, err := m.Sign(signer); err != nil {
			return nil, err
		}
	}
	if err := enough(); err != nil {
		return nil, fmt.Errorf("%s: the keys given are not enough to publish it: %w", role, err)
	}
	return m.ToBytes(false)
}

func meta(version int64, data []byte) *metadata.MetaFiles {
	sum := sha256.Sum256(data)
	return &metadata.MetaFiles{Version: version, Length: int64(len(data)), Hashes: metadata.Hashes{"sha256": sum[:]}}
}

// targetPath returns where a target lies, below the folder targets.
func targetPath(name string, content []byte) string {
	sum := sha256.Sum256(content)
	folder, base := path.Split(name)
	return folder + hex.EncodeToString(sum[:]) + "." + base
}
