package author

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
	"golang.org/x/sync/errgroup"

	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/registry/release"
)

// maxTimestampBytes is what clients read of a timestamp.
const maxTimestampBytes = 16_384

// Change is what publishing a draft writes. Until it is written, nothing has happened.
type Change struct {
	// Notes say what changes, one line each.
	Notes []string
	// files are in the order in which they must be written.
	files []file
	// before is the version of the timestamp that the draft was made from, 0 for a new index.
	before int64
}

type file struct {
	path string
	data []byte
	// live says that clients read the file without another that leads to it: it never gets another
	// content.
	live bool
}

// Paths returns the files that are written, in their order, relative to the folder of the index.
func (c *Change) Paths() []string {
	paths := make([]string, len(c.files))
	for i, f := range c.files {
		paths[i] = f.path
	}
	return paths
}

// Files returns the files that are written, by their path, in their order.
func (c *Change) Files() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, f := range c.files {
			if !yield(f.path, f.data) {
				return
			}
		}
	}
}

// timestampPath is the file that leads to all others but roots.
const timestampPath = "metadata/timestamp.json"

// Write writes the change into the folder of the index, which is made if need be. A client sees the
// index before or after it, whenever it looks, because the timestamp, which leads to all else, is
// written last. Only between a new root that takes a key from the timestamp and that timestamp does
// a client have to try again.
//
// Nothing is written when somebody else has published since the draft was opened. What somebody
// wrote whose program ended before the timestamp is replaced: nothing has led to it.
func (c *Change) Write(dir string) error {
	if len(c.files) == 0 {
		return nil
	}
	timestamp := filepath.Join(dir, filepath.FromSlash(timestampPath))
	if err := os.MkdirAll(filepath.Dir(timestamp), 0o755); err != nil {
		return err
	}
	return filelock.With(timestamp, func() error {
		if err := c.checkUnchanged(timestamp); err != nil {
			return err
		}
		return c.writeFiles(dir)
	})
}

// writers is how many files are written at once.
const writers = 16

// writeFiles writes first what nothing leads to yet, in any order. It is durable before what leads
// to it is written.
func (c *Change) writeFiles(dir string) error {
	var batch diskfile.Batch
	var group errgroup.Group
	group.SetLimit(writers)
	leading := len(c.files) - 1
	for leading > 0 && c.files[leading-1].live {
		leading--
	}
	for _, f := range c.files[:leading] {
		group.Go(func() error { return f.write(dir, &batch) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := batch.Sync(); err != nil {
		return err
	}
	for _, f := range c.files[leading:] {
		if err := f.write(dir, nil); err != nil {
			return err
		}
	}
	return diskfile.Tidy(filepath.Join(dir, "metadata"))
}

// checkUnchanged returns an error unless the timestamp is the one that the draft was made from, or
// that of this change.
func (c *Change) checkUnchanged(timestamp string) error {
	present := metadata.Timestamp()
	data, err := diskfile.Read(os.OpenFile, timestamp, maxTimestampBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		present.Signed.Version = 0
	case err != nil:
		return err
	case bytes.Equal(data, c.files[len(c.files)-1].data):
		return nil
	default:
		if _, err := present.FromBytes(data); err != nil {
			return fmt.Errorf("%s: %w", timestamp, err)
		}
	}
	if present.Signed.Version != c.before {
		return fmt.Errorf("%s: has the version %d, and had the version %d: somebody else published at the same time, begin again",
			timestamp, present.Signed.Version, c.before)
	}
	return nil
}

// write writes a file, as part of a batch unless that is nil: then clients may read the file as
// soon as it has its name, so that it must be durable by then.
func (f file) write(dir string, batch *diskfile.Batch) error {
	name := filepath.Join(dir, filepath.FromSlash(f.path))
	present, err := diskfile.Read(os.OpenFile, name, int64(len(f.data)))
	switch {
	case err == nil && bytes.Equal(present, f.data):
		if batch != nil {
			batch.Keep(name)
		}
		return nil
	case err != nil && errors.Is(err, fs.ErrNotExist):
	case f.live:
		return errors.Join(err, fmt.Errorf("%s: already exists with other content, and clients may have read it", name))
	}
	if batch == nil {
		return diskfile.Replace(name, f.data, 0o644)
	}
	if err := batch.MkdirAll(filepath.Dir(name)); err != nil {
		return err
	}
	return batch.Replace(name, f.data, 0o644)
}

// Publish signs what has changed with those of keys that belong to it. It is an error when they are
// too few for a role. Where nothing has changed there are no files. A draft is published once,
// whether or not that succeeds: its versions have been counted then.
func (d *Draft) Publish(now time.Time, lifetimes Lifetimes, keys []release.PrivateKey) (*Change, error) {
	if d.published {
		return nil, errors.New("the draft was published before, open the index again")
	}
	if err := d.writeLists(); err != nil {
		return nil, err
	}
	if len(d.changed) == 0 && !d.renewed {
		return &Change{}, nil
	}
	d.published = true
	p := &publication{
		draft: d, now: now, lifetimes: lifetimes, keys: keys, change: &Change{Notes: d.notes, before: d.timestamp.Signed.Version},
	}
	for _, target := range slices.SortedFunc(maps.Keys(d.contents), compareTargets) {
		p.add("targets/"+target, d.contents[target], false)
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

// releases publishes the roles with releases that have changed.
func (p *publication) releases() error {
	names := p.draft.listNames()
	published := 0
	for _, name := range names {
		changed, err := p.mustPublish(name)
		if err != nil {
			return err
		}
		if !changed {
			continue
		}
		published++
		if err := p.list(name); err != nil {
			return err
		}
	}
	if published > 0 && p.draft.binBits() > 0 {
		p.note("%s: %d of %d bins", RoleReleases, published, len(names))
	}
	return nil
}

// mustPublish reports whether a role with releases must be published.
func (p *publication) mustPublish(name string) (bool, error) {
	d := p.draft
	if d.changed[name] || d.changed[RoleReleases] {
		return true, nil
	}
	if !d.renewed {
		return false, nil
	}
	l, err := d.list(name)
	if err != nil {
		return false, err
	}
	return l.Signed.Expires.Sub(p.now) < p.lifetimes[RoleReleases]/2, nil
}

// list publishes a role with releases.
func (p *publication) list(name string) error {
	d := p.draft
	l, err := d.list(name)
	if err != nil {
		return err
	}
	renew := p.renew
	if d.binBits() > 0 {
		// A line for each bin would say too much.
		renew = p.raise
	}
	if err := renew(RoleReleases, &l.Signed.Version, &l.Signed.Expires); err != nil {
		return err
	}
	ids, _ := d.signersOf()
	data, err := signRole(p, l, func() error { return d.targets.VerifyDelegate(name, l) }, RoleReleases, *ids)
	return p.put(name, l.Signed.Version, data, err)
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
	p.add(fmt.Sprintf("metadata/%d.%s.json", version, role), data, false)
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
	p.add(fmt.Sprintf("metadata/%d.snapshot.json", signed.Version), data, false)
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
	p.add(timestampPath, data, false)
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
	p.add(fmt.Sprintf("metadata/%d.root.json", signed.Version), data, true)
	return nil
}

func (p *publication) add(path string, data []byte, live bool) {
	p.change.files = append(p.change.files, file{path, data, live})
}

func (p *publication) top(role string) []string { return p.draft.root.Signed.Roles[role].KeyIDs }

// renew raises the version of a role and lets it expire later, and says so.
func (p *publication) renew(role string, version *int64, expires *time.Time) error {
	if err := p.raise(role, version, expires); err != nil {
		return err
	}
	p.note("%s: version %d, expires on %s", role, *version, expires.Format(time.RFC3339))
	return nil
}

// raise raises the version of a role and lets it expire later. TUF knows no fractions of a second.
func (p *publication) raise(role string, version *int64, expires *time.Time) error {
	lifetime := p.lifetimes[role]
	if lifetime <= 0 {
		return fmt.Errorf("%s: the lifetime is %s, it must be more than nothing", role, lifetime)
	}
	*version++
	*expires = p.now.Add(lifetime).UTC().Truncate(time.Second)
	return nil
}

func (p *publication) note(format string, args ...any) {
	p.change.Notes = append(p.change.Notes, fmt.Sprintf(format, args...))
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

// compareTargets orders where targets lie by their names, and by their hashes only when these are
// the same.
func compareTargets(a, b string) int {
	return cmp.Or(strings.Compare(withoutHash(a), withoutHash(b)), strings.Compare(a, b))
}

func withoutHash(target string) string {
	folder, base := path.Split(target)
	_, name, _ := strings.Cut(base, ".")
	return folder + name
}

// targetPath returns where a target lies, below the folder targets.
func targetPath(name string, file *metadata.TargetFiles) string {
	folder, base := path.Split(name)
	return folder + hex.EncodeToString(file.Hashes["sha256"]) + "." + base
}
