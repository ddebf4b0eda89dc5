package market

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/release"
)

// candidate is a release that was chosen from an index.
type candidate struct {
	request
	index   *openIndex
	version tuf.Version
}

func (c candidate) path() string { return c.publisher + "/" + c.name }

func (c candidate) reference() string { return c.path() + "@" + c.version.Version }

// ErrYanked marks a release that its publisher took back, and that was asked for by its version.
var ErrYanked = errors.New("was yanked")

// resolver chooses releases from refreshed indexes.
type resolver struct {
	trust       *trust
	indexes     []*openIndex
	allowYanked bool
}

// resolve chooses the releases for requests, in that order and each once.
func (r *resolver) resolve(ctx context.Context, requests []request) ([]candidate, error) {
	var chosen []candidate
	var problems []error
	versions := map[string]string{}
	for _, q := range requests {
		c, err := r.choose(ctx, q)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		before, twice := versions[c.path()]
		switch {
		case !twice:
			versions[c.path()] = c.version.Version
			chosen = append(chosen, c)
		case before != c.version.Version:
			problems = append(problems, fmt.Errorf("%s: asked for in the versions %s and %s", c.path(), before, c.version.Version))
		}
	}
	return chosen, errors.Join(problems...)
}

// every returns a request for each plugin of the indexes.
func (r *resolver) every(ctx context.Context) ([]request, error) {
	var requests []request
	for _, o := range r.indexes {
		plugins, err := o.view.Plugins(ctx)
		if err != nil {
			return nil, inIndex(o.Name, err)
		}
		for _, p := range plugins {
			if p.Latest != "" {
				requests = append(requests, request{publisher: p.Publisher, name: p.Name})
			}
		}
	}
	return requests, nil
}

func (r *resolver) choose(ctx context.Context, q request) (candidate, error) {
	c := candidate{request: q}
	var err error
	if c.publisher, err = r.publisher(ctx, q); err != nil {
		return c, err
	}
	if c.index, err = r.home(ctx, c.publisher, c.name); err != nil {
		return c, err
	}
	versions, err := c.index.view.Versions(ctx, c.publisher, c.name)
	if errors.Is(err, tuf.ErrNotFound) {
		return c, nothing("%s: is not in the index %s", c.path(), c.index.Name)
	}
	if err != nil {
		return c, inIndex(c.index.Name, err)
	}
	// In ascending order, so that the last one that fits is the highest.
	for _, v := range slices.Backward(versions) {
		if !c.fits(v.Version) {
			continue
		}
		if err := r.refusal(c, v); err != nil {
			if c.exact != "" {
				return c, err
			}
			continue
		}
		c.version = v
		return c, nil
	}
	return c, r.nothing(c, versions)
}

// refusal says why a release that fits is not chosen, or nothing.
func (r *resolver) refusal(c candidate, v tuf.Version) error {
	reference := c.path() + "@" + v.Version
	e := c.index.revoked.Find(revocation.Release{Publisher: c.publisher, Name: c.name, Version: v.Version, Digest: v.Digest})
	switch {
	case e != nil:
		return revokedError(reference, v.Digest, c.index.Name, e)
	case v.ABI != abi.Version:
		return fmt.Errorf("%s: speaks version %d of the interface between host and plugin, this host speaks %d", reference, v.ABI, abi.Version)
	case v.Yanked != nil && !r.allowYanked:
		return fmt.Errorf("%s: %w: %s: choose another version, or have it all the same with --allow-yanked", reference, ErrYanked, v.Yanked.Reason)
	}
	return nil
}

// errNothing marks a request for which the index has nothing to choose.
var errNothing = errors.New("nothing can be chosen")

// nothingError says why.
type nothingError struct{ text string }

func (e *nothingError) Error() string        { return e.text }
func (e *nothingError) Is(target error) bool { return target == errNothing }

func nothing(format string, args ...any) error { return &nothingError{fmt.Sprintf(format, args...)} }

// nothing says that no release fits, and why each does not.
func (r *resolver) nothing(c candidate, versions []tuf.Version) error {
	var there, refused []string
	for _, v := range versions {
		text := c.path() + "@" + v.Version
		if v.Yanked != nil {
			text += " (yanked)"
		}
		if c.fits(v.Version) {
			if err := r.refusal(c, v); err != nil {
				refused = append(refused, err.Error())
			}
		}
		there = append(there, text)
	}
	if len(refused) > 0 {
		return nothing("%s: no release can be chosen: %s", c.subject(), strings.Join(refused, "; "))
	}
	what := "no release that is not a prerelease"
	switch {
	case c.exact != "":
		what = "no version " + c.exact
	case c.ranged != nil:
		what = "no version in " + c.text
	}
	return nothing("%s: the index %s has %s, it has: %s", c.path(), c.index.Name, what, strings.Join(there, ", "))
}

// publisher returns the publisher that a request names, or the one that has a plugin of this name.
func (r *resolver) publisher(ctx context.Context, q request) (string, error) {
	if q.publisher != "" {
		return q.publisher, nil
	}
	var publishers []string
	for _, o := range r.indexes {
		plugins, err := o.view.Plugins(ctx)
		if err != nil {
			return "", inIndex(o.Name, err)
		}
		for _, p := range plugins {
			if p.Name == q.name && !slices.Contains(publishers, p.Publisher) {
				publishers = append(publishers, p.Publisher)
			}
		}
	}
	switch len(publishers) {
	case 0:
		return "", fmt.Errorf("%s: is not in the index", q.name)
	case 1:
		return publishers[0], nil
	}
	slices.Sort(publishers)
	return "", fmt.Errorf("%s: several publishers have a plugin of this name, say which one: %s/%s",
		q.name, strings.Join(publishers, "/"+q.name+", "), q.name)
}

// home returns the one index that a publisher belongs to: the recorded one, or the only one that lists the publisher. Two
// that both list one leave open whose plugins they are.
func (r *resolver) home(ctx context.Context, publisher, plugin string) (*openIndex, error) {
	recorded := r.trust.publisher(publisher)
	var listing []*openIndex
	var names []string
	for _, o := range r.indexes {
		if o.publishers.Find(publisher) != nil {
			listing = append(listing, o)
			names = append(names, o.Name)
		}
	}
	switch {
	case recorded != nil && slices.Contains(names, recorded.Index):
		return listing[slices.Index(names, recorded.Index)], nil
	case recorded != nil && len(listing) > 0:
		return nil, release.NotTrusted(publisher+"/"+plugin, "", r.trust.record(publisher, names[0], release.PublicKey{}))
	case len(listing) > 1:
		return nil, release.NotTrusted(publisher+"/"+plugin, "", fmt.Errorf(
			"the indexes %s both list the publisher %s: say which one it belongs to with --index", strings.Join(names, " and "), publisher))
	case len(listing) == 0:
		return nil, fmt.Errorf("%s/%s: is not in the index", publisher, plugin)
	}
	return listing[0], nil
}
