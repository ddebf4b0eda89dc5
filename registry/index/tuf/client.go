package tuf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

// DefaultTimeout bounds a refresh, and a search for a target.
const DefaultTimeout = 60 * time.Second

// Config says which index a [Client] reads, and how.
type Config struct {
	// Root is a version of the index's root.json that the operator trusts. It stays the anchor for
	// ever; newer roots are believed because a chain of signatures leads from this one to them.
	Root []byte
	// Dir is the folder of the client's state, for this index alone. It is made if need be.
	Dir string
	// Source is where the index comes from. Without one, only [Client.Verified] works.
	Source Source
	// Keep are targets that every refresh fetches, if the index has them, so that they can be read
	// without a source.
	Keep []string
	// Clock tells the time; nil is time.Now.
	Clock func() time.Time
	// Timeout bounds a refresh, and a search for a target, altogether; 0 is [DefaultTimeout].
	Timeout time.Duration
	// AnyRepository takes a repository that is not laid out as an index: any names of targets and
	// roles, metadata without lengths and hashes.
	AnyRepository bool
}

// Client reads one index. It keeps nothing in memory, so that several clients and processes can use
// one folder.
type Client struct {
	config Config
	state  state
	rules  rules
}

// Open returns a client. The root must be well-formed and signed by its own keys.
func Open(c Config) (*Client, error) {
	if c.Dir == "" {
		return nil, errors.New("index: the folder of the state is not given: without it, nothing guards against an older index")
	}
	return open(c)
}

// Look verifies the index as it is now, as [Client.Refresh] does, and remembers nothing: it notices
// neither that it has seen a newer index before nor that the clock was set back. It is for anyone
// who has the index at hand, such as its author. There is no c.Dir.
func Look(ctx context.Context, c Config) (*View, error) {
	c.Dir = ""
	client, err := open(c)
	if err != nil {
		return nil, err
	}
	return client.Refresh(ctx)
}

func open(c Config) (*Client, error) {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	c.Root = bytes.Clone(c.Root)
	client := &Client{config: c, state: state{c.Dir}, rules: rules{any: c.AnyRepository}}
	if _, err := client.anchor(c.Clock()); err != nil {
		return nil, err
	}
	return client, nil
}

// anchor returns a new set that trusts the pinned root.
func (c *Client) anchor(now time.Time) (*trustedmetadata.TrustedMetadata, error) {
	const subject = "pinned root"
	var set *trustedmetadata.TrustedMetadata
	err := guard(func() (err error) {
		set, err = trustedmetadata.New(c.config.Root)
		return err
	})
	if err != nil {
		return nil, pinned(refusal(subject, c.config.Root, 0, now, err))
	}
	if set.Root.Signed.Version < 1 {
		return nil, pinned(malformed(subject, "has the version %d, it must be at least 1", set.Root.Signed.Version))
	}
	set.RefTime = now
	return set, pinned(c.rules.root(&set.Root.Signed))
}

// Refresh fetches and verifies what is new, and returns the index as it is now. It waits for a
// refresh of the same folder in another process. When it fails, what it verified before the failure
// still guards against rollbacks, and [Client.Verified] returns what it returned before.
func (c *Client) Refresh(ctx context.Context) (*View, error) {
	if c.config.Source == nil {
		return nil, unavailable("refresh", errors.New("there is no source"))
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	var view *View
	err := c.state.locked(func() (err error) {
		view, err = c.refresh(ctx)
		return err
	})
	return view, err
}

// refresh is Refresh while the folder is locked.
func (c *Client) refresh(ctx context.Context) (*View, error) {
	now, err := c.state.tick(c.config.Clock())
	if err != nil {
		return nil, err
	}
	r, err := c.state.load()
	if err != nil {
		return nil, err
	}
	set, err := c.anchor(now)
	if err != nil {
		return nil, err
	}
	u := &update{client: c, set: set, record: r, now: now}
	view, err := u.run(ctx)
	if saveErr := c.state.save(r); saveErr != nil {
		return nil, errors.Join(err, saveErr)
	}
	if err != nil {
		return nil, err
	}
	return view, nil
}

// update is one refresh, with a set of trusted metadata of its own: a set's idea of the time is
// that of its making.
type update struct {
	client *Client
	set    *trustedmetadata.TrustedMetadata
	// record is changed as metadata is verified.
	record *record
	now    time.Time
}

// run follows the client workflow of the specification, section 5.
func (u *update) run(ctx context.Context) (*View, error) {
	for _, step := range []func(context.Context) error{u.roots, u.timestamp, u.snapshot} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	view := newView(u.client, u.set, u.now)
	if err := u.targets(ctx, view); err != nil {
		return nil, err
	}
	u.record.Verified = &verified{
		At: date(u.now), Root: u.set.Root.Signed.Version, Timestamp: u.record.Seen.Timestamp,
		Snapshot: u.record.Seen.Snapshot, Targets: u.record.Roles[metadata.TARGETS],
	}
	return view, nil
}

// roots goes from the pinned root to the newest: first through those that were verified before,
// which a mirror therefore cannot withhold, then through those of the source.
func (u *update) roots(ctx context.Context) error {
	u.client.replay(u.set, math.MaxInt64, u.now)
	for range maxNewRoots {
		next := u.set.Root.Signed.Version + 1
		data, err := u.client.config.Source.Metadata(ctx, rootFile(next), maxRootBytes)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return fetchError(rootFile(next), err)
		}
		if err := u.client.advance(u.set, data, u.now); err != nil {
			return err
		}
		if err := u.client.state.putRoot(next, data); err != nil {
			return err
		}
		u.record.Root = max(u.record.Root, next)
	}
	root := &u.set.Root.Signed
	if root.Version < u.record.Root {
		return rolledBack(metadata.ROOT, root.Version, u.record.Root)
	}
	u.record.Root = root.Version
	if root.IsExpired(u.now) {
		return expired(metadata.ROOT, root.Version, root.Expires, u.now)
	}
	return nil
}

// replay takes the set through the roots in the folder, up to version last. One that is missing or
// does not verify ends it: the folder is not an anchor. The source may have the right one, and the
// record says how far one must come.
func (c *Client) replay(set *trustedmetadata.TrustedMetadata, last int64, now time.Time) {
	for set.Root.Signed.Version < last {
		data, err := c.state.root(set.Root.Signed.Version + 1)
		if err != nil {
			return
		}
		before := set.Root
		if err := c.advance(set, data, now); err != nil {
			set.Root = before
			return
		}
	}
}

// advance verifies the next root with the present one.
func (c *Client) advance(set *trustedmetadata.TrustedMetadata, data []byte, now time.Time) error {
	known := set.Root.Signed.Version
	err := guard(func() error {
		_, err := set.UpdateRoot(data)
		return err
	})
	if err != nil {
		return refusal(metadata.ROOT, data, known, now, err)
	}
	return c.rules.root(&set.Root.Signed)
}

func (u *update) timestamp(ctx context.Context) error {
	if err := u.baseline(u.record.Seen.Timestamp, maxTimestampBytes, u.updateTimestamp); err != nil {
		return err
	}
	file := fileOf(metadata.TIMESTAMP)
	data, err := u.client.config.Source.Metadata(ctx, file, maxTimestampBytes)
	if err != nil {
		return fetchError(file, err)
	}
	known := int64(0)
	if u.set.Timestamp != nil {
		known = u.set.Timestamp.Signed.Version
	}
	if err := u.updateTimestamp(data); errors.Is(err, &metadata.ErrEqualVersionNumber{}) {
		return u.fresh()
	} else if err != nil {
		return u.timestampRefusal(data, known, err)
	}
	if err := u.client.rules.timestamp(&u.set.Timestamp.Signed); err != nil {
		return err
	}
	u.record.Seen.Timestamp, err = u.client.state.put(metadataBlobs, data)
	return err
}

func (u *update) updateTimestamp(data []byte) error {
	return guard(func() error {
		_, err := u.set.UpdateTimestamp(data)
		return err
	})
}

// timestampRefusal tells a timestamp that is older from a newer one that leads to an older
// snapshot.
func (u *update) timestampRefusal(data []byte, known int64, err error) error {
	offered := peek(data).Version
	if errors.Is(err, &metadata.ErrBadVersionNumber{}) && offered > known {
		return &indexError{kind: ErrRollback, subject: metadata.TIMESTAMP, advice: otherMirror, problem: fmt.Sprintf(
			"version %d: %s", offered, reason(err))}
	}
	return refusal(metadata.TIMESTAMP, data, known, u.now, err)
}

// fresh refuses the timestamp that the source still offers once it has expired.
func (u *update) fresh() error {
	if t := &u.set.Timestamp.Signed; t.IsExpired(u.now) {
		return expired(metadata.TIMESTAMP, t.Version, t.Expires, u.now)
	}
	return nil
}

// baseline has the set know metadata that was verified before, so that it refuses older. That the
// keys have changed since, or that it has expired, is not an error: this is how an index recovers
// from stolen keys.
func (u *update) baseline(name string, limit int64, apply func([]byte) error) error {
	if name == "" {
		return nil
	}
	data, err := u.client.state.blob(metadataBlobs, name, limit)
	if err != nil {
		return err
	}
	if err := apply(data); err != nil && !errors.Is(err, &metadata.ErrRepository{}) {
		return u.client.state.damaged(name, err)
	}
	return nil
}

func (u *update) snapshot(ctx context.Context) error {
	meta := u.set.Timestamp.Signed.Meta[fileOf(metadata.SNAPSHOT)]
	known := false
	err := u.baseline(u.record.Seen.Snapshot, maxSnapshotBytes, func(data []byte) error {
		err := u.updateSnapshot(data, true)
		// The set does not compare the hash of what it is told to trust.
		known = err == nil && meta.VerifyLengthHashes(data) == nil
		return err
	})
	if err != nil || known {
		return err
	}
	data, err := u.client.fetch(ctx, u.set, metadata.SNAPSHOT, meta, maxSnapshotBytes)
	if err != nil {
		return err
	}
	if err := u.updateSnapshot(data, false); err != nil {
		return u.snapshotRefusal(data, meta.Version, err)
	}
	if err := u.client.rules.snapshot(&u.set.Snapshot.Signed); err != nil {
		return err
	}
	u.record.Seen.Snapshot, err = u.client.state.put(metadataBlobs, data)
	return err
}

func (u *update) updateSnapshot(data []byte, trusted bool) error {
	return guard(func() error {
		_, err := u.set.UpdateSnapshot(data, trusted)
		return err
	})
}

// snapshotRefusal tells a snapshot that is not the one of the timestamp from one that takes back
// what there was.
func (u *update) snapshotRefusal(data []byte, version int64, err error) error {
	if errors.Is(err, &metadata.ErrBadVersionNumber{}) && peek(data).Version != version {
		return mismatch(metadata.SNAPSHOT, "has the version %d, the timestamp names version %d", peek(data).Version, version)
	}
	var missing *metadata.ErrRepository
	if errors.As(err, &missing) {
		return &indexError{kind: ErrRollback, subject: metadata.SNAPSHOT, problem: missing.Msg, advice: otherMirror}
	}
	if errors.Is(err, &metadata.ErrBadVersionNumber{}) {
		return &indexError{kind: ErrRollback, subject: metadata.SNAPSHOT, advice: otherMirror, problem: fmt.Sprintf(
			"version %d names older metadata than was verified before: %s", version, reason(err))}
	}
	return refusal(metadata.SNAPSHOT, data, 0, u.now, err)
}

// targets loads the top-level targets and fetches those to keep, and stores what it loaded.
func (u *update) targets(ctx context.Context, view *View) (err error) {
	defer func() {
		// Roles that the snapshot no longer names are gone for good.
		maps.DeleteFunc(u.record.Roles, func(role, _ string) bool { return u.set.Snapshot.Signed.Meta[fileOf(role)] == nil })
		err = errors.Join(err, view.store(u.record))
	}()
	if _, err := view.load(ctx, nil, edge{metadata.ROOT, metadata.TARGETS}, u.record, u.now); err != nil {
		return err
	}
	kept := []string{}
	for _, name := range u.client.config.Keep {
		target, err := view.get(ctx, name, u.record, u.now)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		kept = append(kept, digest(target.Data))
	}
	slices.Sort(kept)
	u.record.Kept = slices.Compact(kept)
	return nil
}

// fetch returns metadata of the length that signed metadata gives, or of at most limit bytes when
// it gives none.
func (c *Client) fetch(ctx context.Context, set *trustedmetadata.TrustedMetadata, role string, meta *metadata.MetaFiles, limit int64) ([]byte, error) {
	if meta.Length > 0 {
		limit = meta.Length
	}
	file := fileOf(role)
	if set.Root.Signed.ConsistentSnapshot {
		file = strconv.FormatInt(meta.Version, 10) + "." + file
	}
	data, err := c.config.Source.Metadata(ctx, file, limit)
	if err != nil {
		return nil, fetchError(file, err)
	}
	return data, nil
}

// fetchError says that a file did not come. One that is larger than its signed length, or than any
// such file may be, is not to be trusted.
func fetchError(file string, err error) error {
	if errors.Is(err, ErrTooLarge) {
		return &indexError{kind: ErrMismatch, subject: file, problem: err.Error(), advice: otherMirror, cause: err}
	}
	return unavailable(file, err)
}
