package market

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/oci"
	"github.com/latticenet/lattice-host/registry/release"
)

// Options say how to install.
type Options struct {
	// Index names the index to install from. Empty means all that are trusted.
	Index string
	// From is where the index is now, instead of its own location: a mirror that was carried here.
	// It needs Index where several indexes are trusted.
	From string
	// All installs every plugin of the index instead of named ones.
	All bool
	// Consent is what the operator grants to the plugins of this install. A plugin that asks for
	// more is refused.
	Consent Consent
	// AllowDowngrade lets an older version replace the installed one.
	AllowDowngrade bool
	// AllowYanked lets a version be installed that its publisher took back, when it is named.
	AllowYanked bool
	// Locked refuses whatever would change the lock. Without names it installs what the lock says.
	Locked bool
	// Software is what runs on the platform. Releases that need other software are skipped. The
	// installation remembers it, and looks by what it remembers when Software is nil, unless Forget
	// has it forget.
	Software Software
	Forget   bool
	// PassedOver, when set, is given why All leaves a plugin out: nothing of it can be chosen that
	// is not older than what is installed.
	PassedOver func(error)
	// Admit, when set, decides about each release before it is installed. Any error refuses it.
	Admit func(ctx context.Context, a Admission) error
	// Registry says how OCI registries are reached, for releases that are in none of the sources.
	Registry oci.Options
}

// Admission is a release that is about to be installed: all that is known of it was verified.
type Admission struct {
	Manifest *abi.Manifest
	// Wasm is the module. It must not be changed.
	Wasm  []byte
	Entry lock.Plugin
	// Previous is the entry that it replaces, or nil.
	Previous *lock.Plugin
	Yanked   bool
	// StaleDays is for how many days the index has been expired; -1 for one that was just
	// refreshed.
	StaleDays int
	// Capabilities are what it is granted.
	Capabilities []Grant
}

// Installed is the outcome for one plugin.
type Installed struct {
	// Plugin is the entry in the lock.
	lock.Plugin
	// Previous is the version that was installed before; empty for a plugin that was not.
	Previous string
	// Notes are what the index says about the release.
	Notes []string
	// Changed says that it is another release than before.
	Changed bool
}

// Install installs plugins from the trusted indexes, which it refreshes first. A name is
// publisher/name, publisher/name@RANGE, or a bare name that one publisher only uses; it means the
// highest version that fits, is not yanked and not revoked, and speaks this host's ABI. Either all
// of them are installed or none: the lock is written last and once. The result is sorted by
// publisher and name. A plugin that is new is installed and not yet active.
//
// Installing again what is installed puts files back that were damaged.
//
// Errors: release.ErrNotTrusted when an index, a signature, a digest, a key or a name is wrong;
// [ErrNeedsConsent] when a capability is not granted; [ErrYanked]; [ErrRevoked].
func (h *Home) Install(ctx context.Context, names []string, opts Options) ([]Installed, error) {
	if err := opts.Consent.check(); err != nil {
		return nil, err
	}
	return h.install(ctx, opts, func(in *install) ([]request, error) { return in.requests(ctx, names) })
}

// install runs an installation of what requests returns, under the lock of the installation.
func (h *Home) install(ctx context.Context, opts Options, requests func(*install) ([]request, error)) ([]Installed, error) {
	var installed []Installed
	var replaced []lock.Plugin
	err := lock.Update(h.lockFile(), func(l *lock.Lock) (err error) {
		t, err := h.readTrust()
		if err != nil {
			return err
		}
		if err := h.tidy(); err != nil {
			return err
		}
		given := opts.Software != nil || opts.Forget
		if !given {
			if opts.Software, err = h.software(); err != nil {
				return err
			}
		}
		in := &install{home: h, trust: t, lock: l, opts: opts}
		defer func() { err = errors.Join(err, in.close()) }()
		installed, err = in.run(ctx, requests)
		replaced = in.replaced
		if err == nil && given {
			err = h.remember(opts.Software)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return installed, h.sweep(replaced)
}

// sweep removes what no one uses any more. What was replaced a moment ago stays until the next
// time: a run that began before may still need it.
func (h *Home) sweep(replaced []lock.Plugin) error {
	if len(replaced) == 0 {
		return nil
	}
	return h.exclusively(func(l *lock.Lock) error {
		var problems []error
		for _, p := range replaced {
			keep := []*receipt{receiptOf(p)}
			for _, now := range l.Plugins {
				keep = append(keep, receiptOf(now))
			}
			problems = append(problems, h.forgetReceipts(p.Path(), keep...))
		}
		return errors.Join(append(problems, h.collect(l, replaced, replaced...))...)
	})
}

// install is one installation, under the lock.
type install struct {
	home  *Home
	trust *trust
	lock  *lock.Lock
	opts  Options

	indexes  []*openIndex
	replaced []lock.Plugin
}

// fetched is a verified release that is not yet installed.
type fetched struct {
	module   *release.Module
	bundle   []byte
	entry    lock.Plugin
	previous *lock.Plugin
	receipt  *receipt
	notes    []string
	yanked   bool
}

func (in *install) close() error {
	var problems []error
	for _, o := range in.indexes {
		problems = append(problems, o.source.Close())
	}
	return errors.Join(problems...)
}

func (in *install) run(ctx context.Context, requests func(*install) ([]request, error)) ([]Installed, error) {
	if err := in.open(ctx); err != nil {
		return nil, err
	}
	wanted, err := requests(in)
	if err != nil {
		return nil, err
	}
	r := in.resolver()
	r.allowYanked = r.allowYanked || in.opts.Locked
	r.skipped = in.opts.PassedOver
	if !in.opts.AllowDowngrade {
		r.installed = map[string]string{}
		for _, p := range in.lock.Plugins {
			r.installed[p.Path()] = p.Version
		}
	}
	chosen, err := r.resolve(ctx, wanted)
	if err != nil {
		return nil, err
	}
	releases, err := in.fetchAll(ctx, chosen)
	if err != nil {
		return nil, err
	}
	if err := in.agree(ctx, releases); err != nil {
		return nil, err
	}
	return in.commit(ctx, releases)
}

func (in *install) resolver() *resolver {
	return &resolver{
		trust: in.trust, indexes: in.indexes, allowYanked: in.opts.AllowYanked, software: in.opts.Software, now: in.home.now(),
	}
}

// open refreshes the indexes to install from.
func (in *install) open(ctx context.Context) error {
	var names []string
	if in.opts.Index != "" {
		names = []string{in.opts.Index}
	}
	chosen, err := in.trust.chosen(names)
	if err != nil {
		return err
	}
	if in.opts.From != "" && len(chosen) > 1 {
		return fmt.Errorf("%s: several indexes are trusted, say which one this is with --index: %s", in.opts.From, in.trust.indexNames())
	}
	var problems []error
	for _, x := range chosen {
		o, err := in.home.refresh(ctx, x, cmp.Or(in.opts.From, x.Location), in.lock)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		in.indexes = append(in.indexes, o)
	}
	return errors.Join(problems...)
}

// requests reads the names of an install.
func (in *install) requests(ctx context.Context, names []string) ([]request, error) {
	switch {
	case in.opts.All && len(names) > 0:
		return nil, errors.New("either name plugins or ask for all, not both")
	case in.opts.All:
		return (&resolver{indexes: in.indexes}).every(ctx)
	case in.opts.Locked && len(names) == 0:
		var all []request
		for _, p := range in.lock.Plugins {
			if !in.looksInto(p.Index) {
				continue
			}
			all = append(all, request{publisher: p.Publisher, name: p.Name, text: p.Version, exact: p.Version})
		}
		return all, nil
	case len(names) == 0:
		return nil, errors.New("name at least one plugin, as publisher/name")
	}
	var requests []request
	var problems []error
	for _, name := range names {
		r, err := parseRequest(name)
		requests, problems = append(requests, r), append(problems, err)
	}
	return requests, errors.Join(problems...)
}

// fetchAll reads and verifies every release before anything is written, and reports everything that
// is wrong.
func (in *install) fetchAll(ctx context.Context, chosen []candidate) ([]*fetched, error) {
	var releases []*fetched
	var problems []error
	for _, c := range chosen {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := in.fetch(ctx, c)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		releases = append(releases, f)
	}
	slices.SortFunc(releases, func(a, b *fetched) int { return strings.Compare(a.entry.Path(), b.entry.Path()) })
	return releases, errors.Join(problems...)
}

// fetch gets a release: what the index says leads to it, and the publisher's signature proves it.
func (in *install) fetch(ctx context.Context, c candidate) (*fetched, error) {
	fail := func(err error) (*fetched, error) {
		return nil, release.NotTrusted(c.reference(), c.version.Digest, err)
	}
	target, err := c.bundle(ctx, c.version.Version)
	if errors.Is(err, tuf.ErrNotFound) {
		return fail(errors.New("the release has no signature bundle in the index"))
	}
	if err != nil {
		return nil, err
	}
	rule, err := c.index.publishers.Rule(c.publisher, in.home.now())
	if err != nil {
		return fail(err)
	}
	if err := in.record(c, rule, target.Data); err != nil {
		return fail(err)
	}
	wasm, err := in.wasm(ctx, c)
	if err != nil {
		return nil, err
	}
	m, err := release.Verify(target.Data, wasm, release.Want{
		Publisher: c.publisher, Name: c.name, Version: c.version.Version, Digest: c.version.Digest, Rule: rule,
	})
	if err != nil {
		return nil, err
	}
	f := &fetched{module: m, bundle: target.Data, yanked: c.version.Yanked != nil}
	if err := in.describe(f, c, rule.Threshold); err != nil {
		return nil, err
	}
	return f, nil
}

// describe fills in the entry for the lock and what goes with it.
func (in *install) describe(f *fetched, c candidate, threshold int) error {
	m := f.module.Manifest()
	capabilities, err := lockedCapabilities(m)
	if err != nil {
		return err
	}
	f.entry = lock.Plugin{
		Publisher: c.publisher, Name: c.name, Version: c.version.Version, Range: c.text, Digest: f.module.Digest(),
		Size: int64(len(f.module.Wasm())), Bundle: release.Digest(f.bundle), ABI: m.ABI, Index: c.index.Name,
		Capabilities: capabilities, Kinds: lockedKinds(m), ResolvedAt: lock.Date(in.home.now()),
	}
	f.entry.SetSigners(f.module.Signers(), threshold)
	subject := revocable(f.entry, c.index.publishers)
	if e := c.index.revoked.Find(subject); e != nil {
		return revokedError(c.index.Name, c.index.revoked, subject, e)
	}
	if c.version.Yanked != nil {
		f.notes = append(f.notes, "was yanked: "+c.version.Yanked.Reason)
	}
	if c.version.Deprecated != nil {
		f.notes = append(f.notes, deprecation(c.version.Deprecated))
	}
	if i := slices.IndexFunc(in.lock.Plugins, func(p lock.Plugin) bool { return p.Path() == f.entry.Path() }); i >= 0 {
		previous := in.lock.Plugins[i]
		f.previous = &previous
	}
	return nil
}

// record checks the signatures of a release before its module is fetched, and notes whose they are
// as the publisher's.
func (in *install) record(c candidate, rule release.Rule, bundle []byte) error {
	b, err := release.ParseBundle(bundle)
	if err != nil {
		return err
	}
	signers, err := rule.Check(b)
	if err != nil {
		return err
	}
	keys := slices.DeleteFunc(slices.Clone(rule.Keys), func(k release.PublicKey) bool { return !slices.Contains(signers, k.ID) })
	return in.trust.record(c.publisher, c.index.Name, keys...)
}

// wasm returns the module of a release: from the store, from the source of the index, or from the
// registry that the index names. Only its digest counts.
func (in *install) wasm(ctx context.Context, c candidate) ([]byte, error) {
	if data, err := in.home.store.Get(c.version.Digest, abi.MaxModuleBytes); err == nil {
		return data, nil
	}
	if blobs, ok := c.index.source.(tuf.Blobs); ok {
		data, err := blobs.Blob(ctx, c.version.Digest, abi.MaxModuleBytes)
		if err == nil {
			return data, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || c.version.OCI == "" {
			return nil, fmt.Errorf("%s: the module %s: %w", c.reference(), c.version.Digest, err)
		}
	}
	repository, manifest, ok := strings.Cut(c.version.OCI, "@")
	if !ok {
		return nil, fmt.Errorf("%s: the index does not say where the module %s is", c.reference(), c.version.Digest)
	}
	remote, err := oci.Open(repository, in.opts.Registry)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.reference(), err)
	}
	pulled, err := oci.Pull(ctx, remote, manifest)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.reference(), err)
	}
	return pulled.Wasm, nil
}

// agree checks versions, consent and policies of all releases, and reports everything that is
// refused.
func (in *install) agree(ctx context.Context, releases []*fetched) error {
	problems := in.conflicts(releases)
	for _, f := range releases {
		if err := in.allowed(f); err != nil {
			problems = append(problems, err)
			continue
		}
		var err error
		if f.receipt, err = in.home.consent(f.module.Manifest(), f.entry, f.previous, &in.opts.Consent); err != nil {
			problems = append(problems, err)
			continue
		}
		if in.opts.Admit != nil {
			problems = append(problems, in.opts.Admit(ctx, Admission{
				Manifest: f.module.Manifest(), Wasm: f.module.Wasm(), Entry: f.entry, Previous: f.previous, Yanked: f.yanked, StaleDays: -1, Capabilities: f.receipt.Capabilities,
			}))
		}
	}
	return errors.Join(problems...)
}

// allowed checks a release against what is installed.
func (in *install) allowed(f *fetched) error {
	p := f.previous
	switch {
	case in.opts.Locked && p == nil:
		return fmt.Errorf("%s: is not in the lock, which --locked keeps as it is", f.entry.Reference())
	case in.opts.Locked && (p.Version != f.entry.Version || p.Digest != f.entry.Digest || !slices.Equal(p.Signers(), f.entry.Signers()) || p.Index != f.entry.Index):
		return fmt.Errorf("%s: the lock has %s with the digest %s, which --locked keeps as it is", f.entry.Reference(), p.Reference(), p.Digest)
	case p != nil && index.CompareVersions(p.Version, f.entry.Version) > 0 && !in.opts.AllowDowngrade:
		return fmt.Errorf("%s: the newer version %s is installed: allow the downgrade with --allow-downgrade", f.entry.Reference(), p.Version)
	case p != nil && p.Version == f.entry.Version && p.Digest != f.entry.Digest:
		return release.NotTrusted(f.entry.Reference(), f.entry.Digest, fmt.Errorf(
			"the same version is installed with the digest %s: a release does not change; ask the publisher", p.Digest))
	}
	return nil
}

// commit writes files and receipts, and puts the releases into the lock.
func (in *install) commit(ctx context.Context, releases []*fetched) ([]Installed, error) {
	var installed []Installed
	for _, f := range releases {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := in.put(ctx, f); err != nil {
			return nil, err
		}
		installed = append(installed, in.enter(f))
	}
	for _, o := range in.indexes {
		if !in.opts.Locked {
			in.lock.SetIndex(o.locked())
		}
		if _, err := in.home.note(ctx, o, in.lock); err != nil {
			return nil, inIndex(o.Name, err)
		}
	}
	in.lock.DropIndexes()
	// Recorded keys without a plugin do no harm when the lock is not written after all.
	return installed, in.home.writeTrust(in.trust)
}

// put writes the files of a release and its receipt.
func (in *install) put(ctx context.Context, f *fetched) error {
	artifact, err := oci.Pack(ctx, in.home.store.Blobs(), f.module.Wasm(), f.bundle, f.module.Manifest())
	if err != nil {
		return err
	}
	f.entry.Manifest = artifact.Manifest.Digest.String()
	// The lock names the signatures as one file, whatever their number.
	if _, err := in.home.store.Put(f.bundle); err != nil {
		return err
	}
	if err := in.home.store.Tag(f.entry.Reference(), artifact.Manifest, artifact.Bundles...); err != nil {
		return err
	}
	return in.home.writeReceipt(f.receipt)
}

// enter puts a release into the lock.
func (in *install) enter(f *fetched) Installed {
	out := Installed{Plugin: f.entry, Notes: f.notes, Changed: true}
	if p := f.previous; p != nil {
		out.Previous = p.Version
		if p.Reference() == f.entry.Reference() {
			out.Changed = false
			// When it was chosen is when it was first chosen. What was asked for may have changed.
			f.entry.ResolvedAt = p.ResolvedAt
			if in.opts.Locked {
				f.entry.Range = p.Range
			}
			out.Plugin = f.entry
		} else {
			in.replaced = append(in.replaced, *p)
		}
	}
	in.lock.Set(f.entry)
	return out
}
