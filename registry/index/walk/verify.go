// Package walk goes through a whole index, as its operator and its mirrors do and clients never: it
// verifies everything in it, and copies it.
package walk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/release"
)

// Select chooses releases of an index. A nil one chooses all.
type Select func(publisher, name, version string) bool

func (s Select) has(r author.Listed) bool {
	return s == nil || s(r.Publisher, r.Name, r.Version.Version)
}

// The states of a release.
const (
	// StateOK is a release that can be installed.
	StateOK = "ok"
	// StateDeprecated can be installed, and the index says why not to.
	StateDeprecated = "deprecated"
	// StateYanked runs where it is installed.
	StateYanked = "yanked"
	// StateRevoked must not run. Its files need not be there, and are not looked at.
	StateRevoked = "revoked"
	// StateKeyTime was signed with a key that does not count at this time.
	StateKeyTime = "key out of time"
	// StateNotTrusted is wrong.
	StateNotTrusted = "not trusted"
)

// Report is what is in an index.
type Report struct {
	// Roles are in the order of author.Roles.
	Roles []Role
	// Releases are those that were chosen, in the order of their plugins and versions.
	Releases []Release
	// Static says that the index has a static document, whose signature is right.
	Static bool
	// Problems are what is wrong with the index other than expired roles and the releases.
	Problems []error
}

// Role is the state of a role.
type Role struct {
	author.RoleState
	// Expired says that it should have been published again.
	Expired bool
}

// Release is the state of a release.
type Release struct {
	author.Listed
	// KeyIDs are the keys that signed it, as it claims.
	KeyIDs []string
	// State is one of the State constants, and Err what is wrong with one that is not trusted.
	State string
	Err   error
}

// Reference returns publisher/name@version.
func (r Release) Reference() string { return r.Publisher + "/" + r.Name + "@" + r.Version.Version }

// Err returns everything that is wrong. Expired roles are when allowExpired is false.
func (r *Report) Err(allowExpired bool) error {
	problems := slices.Clone(r.Problems)
	for _, role := range r.Roles {
		if role.Expired && !allowExpired {
			problems = append(problems, release.NotTrusted("index", "", fmt.Errorf("%s: version %d expired on %s: %w",
				role.Name, role.Version, role.Expires.UTC().Format(time.RFC3339), tuf.ErrExpired)))
		}
	}
	for _, rel := range r.Releases {
		if rel.State == StateNotTrusted {
			problems = append(problems, rel.Err)
		}
	}
	return errors.Join(problems...)
}

// Verify verifies the index at a source from a pinned root on, as a client does but whether or not
// it has expired, and then all that is in it: every role, that the lists of releases and plugins
// say what the releases say, the signature of the static document, and of the releases that are
// chosen the bundle and the module. The error says that there is no index to look into; what is
// wrong inside is in the report.
func Verify(ctx context.Context, source tuf.Source, pinned []byte, now time.Time, chosen Select) (*Report, error) {
	draft, err := author.Read(ctx, source, pinned)
	if err != nil {
		return nil, err
	}
	w := walker{source: source, draft: draft, now: now, report: &Report{}}
	steps := []func() error{w.roles, w.lists}
	if chosen == nil {
		// A copy of a few releases has no document about all.
		steps = append(steps, w.static)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return w.report, w.releases(ctx, chosen)
}

type walker struct {
	source     tuf.Source
	draft      *author.Draft
	now        time.Time
	publishers *publisher.List
	report     *Report
}

func (w *walker) roles() error {
	states, err := w.draft.State()
	if err != nil {
		return err
	}
	for _, state := range states {
		w.report.Roles = append(w.report.Roles, Role{state, w.now.After(state.Expires)})
	}
	return nil
}

func (w *walker) lists() (err error) {
	if w.publishers, err = w.draft.Publishers(); err != nil {
		return w.problem(tuf.PublishersTarget, err)
	}
	if err := w.draft.Check(); err != nil {
		return w.problem("index", err)
	}
	return nil
}

// problem notes what is wrong in an index whose metadata is right.
func (w *walker) problem(subject string, err error) error {
	if errors.Is(err, tuf.ErrUnavailable) {
		return err
	}
	w.report.Problems = append(w.report.Problems, release.NotTrusted(subject, "", err))
	return nil
}

func (w *walker) static() error {
	content, err := w.draft.Target(tuf.StaticTarget)
	if errors.Is(err, tuf.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	x, err := index.Parse(content)
	if err == nil {
		keys, threshold := w.draft.ReleasesKeys()
		err = x.Verify(keys, threshold)
	}
	if err != nil {
		return w.problem(tuf.StaticTarget, err)
	}
	w.report.Static = true
	return nil
}

func (w *walker) releases(ctx context.Context, chosen Select) error {
	listed, err := w.draft.Releases()
	if err != nil {
		return w.problem("index", err)
	}
	for _, l := range listed {
		if !chosen.has(l) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r := Release{Listed: l, State: StateOK}
		if err := w.release(ctx, &r); err != nil {
			r.State, r.Err = StateNotTrusted, err
			if !errors.Is(err, release.ErrNotTrusted) {
				r.Err = release.NotTrusted(r.Reference(), r.Digest, err)
			}
		}
		w.report.Releases = append(w.report.Releases, r)
	}
	return nil
}

// release verifies a release as anyone who installs it does.
func (w *walker) release(ctx context.Context, r *Release) error {
	bundle, claims, err := w.draft.Claims(r.Publisher, r.Name, r.Version.Version)
	if err != nil {
		return err
	}
	r.KeyIDs = claims.KeyIDs()
	if w.publishers == nil {
		return errors.New("the index says nothing valid about publishers")
	}
	at, err := w.judge(r, claims)
	if err != nil || r.State == StateRevoked {
		return err
	}
	rule, err := w.publishers.Rule(r.Publisher, at)
	if err != nil {
		return err
	}
	wasm, err := module(ctx, w.source, r.Listed)
	if err != nil {
		return err
	}
	m, err := release.Verify(bundle, wasm, release.Want{
		Publisher: r.Publisher, Name: r.Name, Version: r.Version.Version, Digest: r.Digest, Rule: rule,
	})
	if err != nil {
		return err
	}
	return r.sameAs(m)
}

// judge notes the state of a release, and returns for which time its signatures are enough. One
// that no one can install need not have keys that are valid now.
func (w *walker) judge(r *Release, claims *release.Claims) (at time.Time, err error) {
	switch {
	case r.Yanked != nil:
		r.State = StateYanked
	case r.Deprecated != nil:
		r.State, at = StateDeprecated, w.now
	default:
		at = w.now
	}
	_, by, err := w.draft.Judge(w.publishers, claims, at)
	var outOfTime *publisher.OutOfTimeError
	if errors.As(err, &outOfTime) {
		r.State, at = StateKeyTime, time.Time{}
		_, by, err = w.draft.Judge(w.publishers, claims, at)
	}
	if by != nil {
		r.State = StateRevoked
	}
	return at, err
}

// sameAs compares what the index lists of a release with what the publisher signed.
func (r *Release) sameAs(m *release.Module) error {
	manifest := m.Manifest()
	switch {
	case r.Size != int64(len(m.Wasm())):
		return fmt.Errorf("the index says that the module has %d bytes, it has %d", r.Size, len(m.Wasm()))
	case r.ABI != manifest.ABI || !slices.Equal(r.Capabilities, release.CapabilityNames(manifest)) || r.Summary != manifest.Summary:
		return errors.New("the index lists another ABI, other capabilities or another summary than the manifest")
	}
	return nil
}

// module returns the module of a release.
func module(ctx context.Context, source tuf.Source, r author.Listed) ([]byte, error) {
	blobs, ok := source.(tuf.Blobs)
	if !ok {
		return nil, errors.New("the source has no modules")
	}
	wasm, err := blobs.Blob(ctx, r.Digest, abi.MaxModuleBytes)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("the module is not in the folder %s of the index", tuf.LayoutFolder)
	} else if err != nil && !errors.Is(err, tuf.ErrTooLarge) {
		return nil, err
	}
	if got := release.Digest(wasm); err == nil && got != r.Digest {
		err = errors.New("the module has the digest " + got)
	}
	if err != nil {
		return nil, release.NotTrusted(Release{Listed: r}.Reference(), r.Digest, err)
	}
	return wasm, nil
}
