package market

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/lifecycle"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/release"
)

// ErrRevoked marks a plugin that must not run any more. Such errors are release.ErrNotTrusted as
// well.
var ErrRevoked = errors.New("revoked")

// Revoked is a plugin that is revoked, and why.
type Revoked struct {
	Plugin lock.Plugin
	Entry  revocation.Entry
}

// Policy decides what is usually refused.
type Policy struct {
	// RunRevoked, when set, may let a revoked plugin run: it returns nil to let it. Nil lets none.
	RunRevoked func(ctx context.Context, r Revoked) error
}

// Snapshot is an installation as it is at one moment. It is safe for concurrent use.
type Snapshot struct {
	home    *Home
	trust   *trust
	lock    *lock.Lock
	states  *states
	indexes map[string]*known
	// problems are why an index could not be read, by name: nothing of it loads.
	problems map[string]error
	warnings []string
	policy   Policy
}

// Loaded is a plugin that may run.
type Loaded struct {
	// Module was verified from the bytes on disk up.
	Module *release.Module
	// Plugin is its entry in the lock.
	Plugin lock.Plugin
	// Granted are the names of the capabilities that its receipt grants.
	Granted []string
}

// Snapshot reads and verifies what the installation knows. An index that lies in a local folder or
// file is refreshed when there is something new in it; nothing is asked of a server.
func (h *Home) Snapshot(ctx context.Context, policy Policy) (*Snapshot, error) {
	t, l, err := h.read()
	if err != nil {
		return nil, release.NotTrusted(h.dir, "", err)
	}
	s := &Snapshot{home: h, trust: t, lock: l, policy: policy, indexes: map[string]*known{}, problems: map[string]error{}}
	if s.states, err = h.readStates(); err != nil {
		return nil, release.NotTrusted(h.dir, "", err)
	}
	for _, x := range t.Indexes {
		if !slices.ContainsFunc(l.Plugins, func(p lock.Plugin) bool { return p.Index == x.Name }) {
			continue
		}
		if err := s.open(ctx, x); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// open reads what is known of an index.
func (s *Snapshot) open(ctx context.Context, x Index) error {
	if err := s.home.catchUp(ctx, x, s.lock); err != nil {
		if ctx.Err() != nil {
			return err
		}
		s.warnings = append(s.warnings, "the index "+x.Name+" cannot be refreshed, what was last verified counts: "+err.Error())
	}
	k, err := s.home.verified(ctx, x, s.lock)
	if err != nil {
		s.problems[x.Name] = err
		return ctx.Err()
	}
	s.indexes[x.Name] = k
	stale, err := staleness(x, k.view)
	if err != nil {
		s.problems[x.Name] = err
		return ctx.Err()
	}
	if stale != "" {
		s.warnings = append(s.warnings, stale)
	}
	for _, n := range s.home.readNotices(x.Name) {
		if slices.ContainsFunc(s.lock.Plugins, func(p lock.Plugin) bool { return p.Reference() == n.Plugin }) {
			s.warnings = append(s.warnings, n.Plugin+" "+n.Text)
		}
	}
	return nil
}

// Warnings are for people: an index that expired or could not be refreshed, installed releases that
// were yanked. None of them keeps anything from running.
func (s *Snapshot) Warnings() []string { return s.warnings }

// StaleDays returns for how many whole days the most expired of the indexes has been expired that
// plugins came from; -1 while none is.
func (s *Snapshot) StaleDays() int {
	days := -1
	for _, k := range s.indexes {
		if d, err := k.view.StaleDays(); err == nil {
			days = max(days, d)
		}
	}
	return days
}

// Plugins returns the entries of the lock, in the order of publisher and name.
func (s *Snapshot) Plugins() []lock.Plugin { return s.lock.Plugins }

// Load returns the installed plugin with the given name (see lock.Lock.Find), verified from the
// bytes on disk up: the lock, the digest, the publisher's signature, revocation, consent, and that
// it is active.
//
// Errors name the plugin, and its version and digest when the lock has it. They wrap
// release.ErrNotTrusted, [ErrRevoked] with it, [ErrNeedsConsent] or [ErrNotActive].
func (s *Snapshot) Load(ctx context.Context, name string) (*Loaded, error) {
	p, err := s.lock.Find(name)
	if err != nil {
		return nil, err
	}
	loaded, err := s.Verify(ctx, p)
	if err != nil {
		return nil, err
	}
	if state := s.states.of(p.Path()); state.State != lifecycle.Active {
		return nil, notActive(p, state)
	}
	return loaded, nil
}

// Verify is [Snapshot.Load] for an entry of the lock, active or not.
func (s *Snapshot) Verify(ctx context.Context, p lock.Plugin) (*Loaded, error) {
	m, err := s.verify(p)
	if err != nil {
		return nil, err
	}
	if err := s.checkRevoked(ctx, p); err != nil {
		return nil, err
	}
	r, err := s.home.receiptFor(p, m)
	if err != nil {
		return nil, err
	}
	granted := make([]string, len(r.Capabilities))
	for i, g := range r.Capabilities {
		granted[i] = g.Name
	}
	return &Loaded{Module: m, Plugin: p, Granted: granted}, nil
}

// State returns the state of an installed plugin, and why when it is disabled.
func (s *Snapshot) State(p lock.Plugin) (state lifecycle.State, reason string) {
	of := s.states.of(p.Path())
	return of.State, of.Reason
}

// verify checks everything about a release that its bytes, its publisher's keys and the lock can
// tell.
func (s *Snapshot) verify(p lock.Plugin) (*release.Module, error) {
	want, err := s.wanted(p)
	if err != nil {
		return nil, release.NotTrusted(p.Reference(), p.Digest, err)
	}
	bundle, err := s.home.get(p, p.Bundle, release.MaxBundleBytes)
	if err != nil {
		return nil, err
	}
	// Verifying hashes the module, so that the store need not do it as well unless something is
	// wrong.
	var m *release.Module
	wasm, err := s.home.store.GetUnverified(p.Digest, abi.MaxModuleBytes)
	if err == nil {
		m, err = release.Verify(bundle, wasm, want)
	}
	if err != nil {
		if _, damaged := s.home.get(p, p.Digest, abi.MaxModuleBytes); damaged != nil {
			return nil, damaged
		}
		return nil, err
	}
	if err := sameAsLocked(p, m); err != nil {
		return nil, release.NotTrusted(p.Reference(), p.Digest, err)
	}
	return m, nil
}

// revocable returns what revocations may name of an installed plugin.
func revocable(p lock.Plugin, publishers *publisher.List) revocation.Release {
	return revocation.Release{
		Publisher: p.Publisher, Name: p.Name, Version: p.Version, Digest: p.Digest, Signers: p.Signers(), Threshold: threshold(p, publishers),
	}
}

// threshold returns how many keys must have signed an installed plugin: as many as when it was
// installed, or more when the index asks for more now. That it asks for less counts from the next
// installation on.
func threshold(p lock.Plugin, publishers *publisher.List) int {
	return max(p.Threshold, publishers.Threshold(p.Publisher))
}

func (s *Snapshot) checkRevoked(ctx context.Context, p lock.Plugin) error {
	k := s.indexes[p.Index]
	if k == nil {
		problem := s.problems[p.Index]
		if problem == nil {
			problem = fmt.Errorf("the index %s is not trusted", p.Index)
		}
		if errors.Is(problem, tuf.ErrUnavailable) || errors.Is(problem, tuf.ErrNotFound) {
			problem = fmt.Errorf("%w: run lattice-host index fetch %s", problem, p.Index)
		}
		return release.NotTrusted(p.Reference(), p.Digest, fmt.Errorf("what is revoked is not known: %w", problem))
	}
	subject := revocable(p, k.publishers)
	e := k.revoked.Find(subject)
	if e == nil {
		return nil
	}
	refused := revokedError(p.Index, k.revoked, subject, e)
	if s.policy.RunRevoked != nil {
		err := s.policy.RunRevoked(ctx, Revoked{p, *e})
		if err == nil {
			return nil
		}
		return fmt.Errorf("%w; %w", refused, err)
	}
	return refused
}

// revokedError says that an index revokes a release by an entry of its list.
func revokedError(index string, l *revocation.List, r revocation.Release, e *revocation.Entry) error {
	what := e.Subject()
	if e.Severity != "" {
		what += ", severity " + e.Severity
	}
	left := ""
	if e.KeyID != "" && r.Threshold > 1 {
		left = fmt.Sprintf("; of the %d valid signatures that the release must have, it has %d left", r.Threshold, l.Counting(r))
	}
	return release.NotTrusted(r.Reference(), r.Digest, fmt.Errorf("%w by the index %s since %s (%s): %s%s", ErrRevoked, index, e.Since, what, e.Reason, left))
}

// receiptFor returns the receipt that an installed plugin needs to run.
func (h *Home) receiptFor(p lock.Plugin, m *release.Module) (*receipt, error) {
	needed, err := newReceipt(p, requested(m.Manifest()))
	if err != nil {
		return nil, err
	}
	r, err := h.readReceipt(needed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: there is no receipt that somebody agreed to what it may do: run %s", p.Reference(), ErrNeedsConsent, installAgain(p))
	}
	if err != nil {
		return nil, release.NotTrusted(p.Reference(), p.Digest, fmt.Errorf("%w: run %s", err, installAgain(p)))
	}
	return r, nil
}

// wanted returns what must be verified: the lock says which release, trust.json by whom, and both
// the lock and the index how many of them.
func (s *Snapshot) wanted(p lock.Plugin) (release.Want, error) {
	publisher := s.trust.publisher(p.Publisher)
	if publisher == nil {
		return release.Want{}, fmt.Errorf("this installation has no record of the publisher %s: run %s", p.Publisher, installAgain(p))
	}
	if publisher.Index != p.Index {
		return release.Want{}, fmt.Errorf("%s says that it came from the index %s, the publisher %s belongs to %s: run %s",
			lock.FileName, p.Index, p.Publisher, publisher.Index, installAgain(p))
	}
	keys, err := publicKeys(publisher.Keys)
	if err != nil {
		return release.Want{}, err
	}
	// The keys that the lock names must be the ones, even where the publisher has others.
	keys = slices.DeleteFunc(keys, func(k release.PublicKey) bool { return !slices.Contains(p.Signers(), k.ID) })
	for _, id := range p.Signers() {
		if !slices.ContainsFunc(keys, func(k release.PublicKey) bool { return k.ID == id }) {
			return release.Want{}, fmt.Errorf("%s says that the key %s signed, which is not one of the publisher's keys: run %s",
				lock.FileName, id, installAgain(p))
		}
	}
	rule := release.Rule{Keys: keys, Threshold: max(p.Threshold, 1)}
	if k := s.indexes[p.Index]; k != nil {
		rule.Threshold = threshold(p, k.publishers)
	}
	return release.Want{Publisher: p.Publisher, Name: p.Name, Version: p.Version, Digest: p.Digest, Rule: rule}, nil
}

func (h *Home) get(p lock.Plugin, digest string, limit int64) ([]byte, error) {
	data, err := h.store.Get(digest, limit)
	if err == nil {
		return data, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("the store has no file with the digest %s: %w", digest, fs.ErrNotExist)
	}
	return nil, release.NotTrusted(p.Reference(), p.Digest, fmt.Errorf("%w: run %s", err, installAgain(p)))
}

func installAgain(p lock.Plugin) string { return "lattice-host install " + p.Reference() }

// sameAsLocked compares what the lock says about a release beyond its identity with the signed
// manifest.
func sameAsLocked(p lock.Plugin, m *release.Module) error {
	capabilities, err := lockedCapabilities(m.Manifest())
	switch {
	case err != nil:
		return err
	case p.Size != int64(len(m.Wasm())):
		return fmt.Errorf("%s says that the module has %d bytes, it has %d", lock.FileName, p.Size, len(m.Wasm()))
	case !slices.Equal(p.Signers(), m.Signers()):
		return fmt.Errorf("%s says that %s signed, %s did", lock.FileName, strings.Join(p.Signers(), ", "), strings.Join(m.Signers(), ", "))
	case p.ABI != m.Manifest().ABI:
		return fmt.Errorf("%s says abi %d, the manifest %d", lock.FileName, p.ABI, m.Manifest().ABI)
	case p.Capabilities.Digest != capabilities.Digest || !slices.Equal(p.Capabilities.Names, capabilities.Names):
		return fmt.Errorf("%s says that the capabilities are %q, the manifest asks for %q, or for other hosts or kinds",
			lock.FileName, p.Capabilities.Names, capabilities.Names)
	case !slices.Equal(p.Kinds, lockedKinds(m.Manifest())):
		return fmt.Errorf("%s says other kinds than the manifest brings", lock.FileName)
	}
	return nil
}

// Entry is an installed plugin and whether it would load.
type Entry struct {
	lock.Plugin
	// State is installed, active or disabled.
	State lifecycle.State
	// Err is why the plugin is not as it was installed, or nil.
	Err error
}

// List returns the installed plugins in the order of publisher and name. Each is verified as
// [Snapshot.Verify] does.
func (s *Snapshot) List(ctx context.Context) ([]Entry, error) {
	entries := make([]Entry, len(s.lock.Plugins))
	for i, p := range s.lock.Plugins {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		_, err := s.Verify(ctx, p)
		state, _ := s.State(p)
		entries[i] = Entry{Plugin: p, State: state, Err: err}
	}
	return entries, nil
}

// CheckStore reads every file of the store and returns how many there are. A damaged one is moved
// to quarantine and is part of the error, which wraps release.ErrNotTrusted. So is an installed
// plugin that other tools do not find in the store, because it has lost its name.
func (h *Home) CheckStore(ctx context.Context) (files int, err error) {
	files, err = h.store.Check(ctx, abi.MaxModuleBytes)
	if err == nil {
		err = h.checkNames()
	}
	if err != nil && ctx.Err() == nil {
		err = release.NotTrusted(h.dir, "", err)
	}
	return files, err
}

// checkNames compares the names in the store with the lock.
func (h *Home) checkNames() error {
	l, err := lock.Read(h.lockFile())
	if err != nil {
		return err
	}
	var problems []error
	for _, p := range l.Plugins {
		d, err := h.store.Resolve(p.Reference())
		if err == nil && d.Digest.String() != p.Manifest {
			err = fmt.Errorf("the store has the artifact %s under the name %s, %s says %s", d.Digest, p.Reference(), lock.FileName, p.Manifest)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%w: run %s", err, installAgain(p)))
		}
	}
	return errors.Join(problems...)
}
