package market

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/lock"
)

// Update installs the highest versions of the named installed plugins, or of all, that fit what was
// asked for when they were installed. A name may carry another range, which is asked for from then
// on. Options and errors are those of [Home.Install]; a plugin for which there is nothing newer
// stays as it is.
func (h *Home) Update(ctx context.Context, names []string, opts Options) ([]Installed, error) {
	if err := opts.Consent.check(); err != nil {
		return nil, err
	}
	return h.install(ctx, opts, func(in *install) ([]request, error) { return in.updates(ctx, names) })
}

// updates returns what to look for: for each plugin the range that the lock has. Without names
// these are the plugins of the index that was named, or all.
func (in *install) updates(ctx context.Context, names []string) ([]request, error) {
	if len(names) == 0 {
		for _, p := range in.lock.Plugins {
			if in.looksInto(p.Index) {
				names = append(names, p.Path())
			}
		}
	}
	var requests []request
	var problems []error
	for _, name := range names {
		q, stays, err := in.update(ctx, name)
		if err != nil {
			problems = append(problems, err)
		} else if !stays {
			requests = append(requests, q)
		}
	}
	return requests, errors.Join(problems...)
}

func (in *install) looksInto(index string) bool { return in.opts.Index == "" || in.opts.Index == index }

// update returns what to look for in place of an installed plugin. It stays as it is where nothing
// could be chosen now, or something lower: the installed version was yanked since, or was named.
func (in *install) update(ctx context.Context, name string) (q request, stays bool, err error) {
	path, ranged, other := strings.Cut(name, "@")
	p, err := in.lock.Find(path)
	if err != nil {
		return q, false, err
	}
	if !other {
		ranged = p.Range
	}
	if q, err = parseRequest(withRange(p.Path(), ranged)); err != nil || other && q.exact != "" {
		return q, false, err
	}
	r := in.resolver()
	r.allowYanked = r.allowYanked || q.exact == p.Version
	c, err := r.choose(ctx, q)
	if !other && errors.Is(err, errNothing) {
		return q, true, nil
	}
	if err != nil {
		return q, false, err
	}
	lower := index.CompareVersions(c.version.Version, p.Version) < 0 && !in.opts.AllowDowngrade
	return q, lower || c.version.Version == p.Version, nil
}

func withRange(path, ranged string) string {
	if ranged == "" {
		return path
	}
	return path + "@" + ranged
}

// Outdated is an installed plugin that is not the newest.
type Outdated struct {
	lock.Plugin
	// InRange is the highest version that an update would install, Newest the highest that is no
	// prerelease.
	InRange, Newest string
}

// Outdated refreshes the indexes and returns the installed plugins for which there are newer
// versions, in the order of publisher and name.
func (h *Home) Outdated(ctx context.Context) (outdated []Outdated, err error) {
	in, err := h.look(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	r := in.resolver()
	for _, p := range in.lock.Plugins {
		o := Outdated{Plugin: p}
		if o.InRange, err = r.highest(ctx, withRange(p.Path(), p.Range)); err != nil {
			return nil, err
		}
		if o.Newest, err = r.highest(ctx, p.Path()); err != nil {
			return nil, err
		}
		if newer(o.InRange, p.Version) || newer(o.Newest, p.Version) {
			outdated = append(outdated, o)
		}
	}
	return outdated, nil
}

// highest returns the version that a request would choose, or nothing.
func (r *resolver) highest(ctx context.Context, text string) (string, error) {
	q, err := parseRequest(text)
	if err != nil {
		return "", err
	}
	c, err := r.choose(ctx, q)
	if err != nil {
		return "", ctx.Err()
	}
	return c.version.Version, nil
}

func newer(version, than string) bool {
	return version != "" && index.CompareVersions(version, than) > 0
}

// look opens the indexes to read them only.
func (h *Home) look(ctx context.Context) (*install, error) {
	t, l, err := h.read()
	if err != nil {
		return nil, err
	}
	in := &install{home: h, trust: t, lock: l}
	if in.opts.Software, err = h.software(); err != nil {
		return nil, err
	}
	if err := in.open(ctx); err != nil {
		return nil, errors.Join(err, in.close())
	}
	return in, nil
}

// Offer is a plugin of an index.
type Offer struct {
	tuf.Plugin
	// Index names the index.
	Index string
	// Installed is the version that is installed from it, or empty.
	Installed string
}

// Search refreshes the indexes and returns the plugins whose path or summary has all of the words,
// in the order of their paths. Without words it returns all.
func (h *Home) Search(ctx context.Context, words []string) (offers []Offer, err error) {
	in, err := h.look(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	for _, o := range in.indexes {
		plugins, err := o.view.Plugins(ctx)
		if err != nil {
			return nil, inIndex(o.Name, err)
		}
		for _, p := range plugins {
			if !hasWords(p, words) {
				continue
			}
			if p.Latest, err = in.latest(ctx, o, p); err != nil {
				return nil, err
			}
			if p.Latest == "" {
				continue
			}
			offers = append(offers, Offer{Plugin: p, Index: o.Name, Installed: in.installed(p, o.Name)})
		}
	}
	slices.SortStableFunc(offers, func(a, b Offer) int { return strings.Compare(a.Path(), b.Path()) })
	return offers, nil
}

// latest returns the version of a plugin that the list of plugins offers. Online keys sign the
// list: what offline keys revoked since may still be in it.
func (in *install) latest(ctx context.Context, o *openIndex, p tuf.Plugin) (string, error) {
	if o.revoked.Find(revocation.Release{Publisher: p.Publisher, Name: p.Name, Version: p.Latest}) == nil {
		return p.Latest, nil
	}
	return (&resolver{trust: in.trust, indexes: []*openIndex{o}}).highest(ctx, p.Path())
}

func (in *install) installed(p tuf.Plugin, index string) string {
	for _, l := range in.lock.Plugins {
		if l.Path() == p.Path() && l.Index == index {
			return l.Version
		}
	}
	return ""
}

func hasWords(p tuf.Plugin, words []string) bool {
	text := strings.ToLower(p.Path() + " " + p.Summary)
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, strings.ToLower(word)) })
}

// Frozen checks that everything in the lock is there and as it was signed, asking no index, and
// writes the receipts that are missing, as far as consent is given and nothing that opts.Admit says
// is against it. It is what an installation does whose lock and store were copied from another. Of
// the options, Consent and Admit count.
func (h *Home) Frozen(ctx context.Context, opts Options) ([]Installed, error) {
	if err := opts.Consent.check(); err != nil {
		return nil, err
	}
	s, err := h.Snapshot(ctx, Policy{})
	if err != nil {
		return nil, err
	}
	var installed []Installed
	var receipts []*receipt
	var problems []error
	for _, p := range s.lock.Plugins {
		r, err := s.freeze(ctx, p, &opts)
		installed, receipts, problems = append(installed, Installed{Plugin: p, Previous: p.Version}), append(receipts, r), append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	for _, r := range receipts {
		if err := h.writeReceipt(r); err != nil {
			return nil, err
		}
	}
	return installed, nil
}

// freeze returns the receipt of a plugin that is as it was signed, and that may be installed.
func (s *Snapshot) freeze(ctx context.Context, p lock.Plugin, opts *Options) (*receipt, error) {
	m, err := s.verify(p)
	if err != nil {
		return nil, err
	}
	if err := s.checkRevoked(ctx, p); err != nil {
		return nil, err
	}
	r, err := s.home.consent(m.Manifest(), p, nil, &opts.Consent)
	if err != nil || opts.Admit == nil {
		return r, err
	}
	return r, opts.Admit(ctx, Admission{
		Manifest: m.Manifest(), Wasm: m.Wasm(), Entry: p, Yanked: s.yanked(ctx, p), StaleDays: s.StaleDays(), Capabilities: r.Capabilities,
	})
}

// yanked reports whether the index said, when it was last refreshed, that a release was yanked.
func (s *Snapshot) yanked(ctx context.Context, p lock.Plugin) bool {
	versions, err := s.indexes[p.Index].view.Versions(ctx, p.Publisher, p.Name)
	return err == nil && slices.ContainsFunc(versions, func(v tuf.Version) bool { return v.Version == p.Version && v.Yanked != nil })
}

// Asks returns what an installed plugin was granted in words, for people, with the reasons of its
// manifest.
func Asks(m *abi.Manifest) []string {
	var lines []string
	for _, g := range requested(m) {
		lines = append(lines, fmt.Sprintf("%s, because %q", g.Words(), reasonFor(m, g.Name)))
	}
	return lines
}
