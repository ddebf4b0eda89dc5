package market

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/index/publisher"
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
	trust   *trust
	indexes []*openIndex
	// installed are the versions that are installed, by publisher/name, below which no optional
	// request goes.
	installed   map[string]string
	allowYanked bool
	software    Software
	// now is when the releases are chosen.
	now time.Time
	// skipped, when set, is called with the reason why nothing was chosen for an optional request.
	skipped func(error)
}

// resolve chooses the releases for requests, in that order and each once.
func (r *resolver) resolve(ctx context.Context, requests []request) ([]candidate, error) {
	var chosen []candidate
	var problems []error
	versions := map[string]string{}
	for _, q := range requests {
		c, err := r.choose(ctx, q)
		if has := r.installed[c.path()]; err == nil && q.optional && has != "" && index.CompareVersions(has, c.version.Version) > 0 {
			err = nothing("%s: %s is installed, and nothing newer than %s can be chosen", c.path(), has, c.version.Version)
		}
		if q.optional && errors.Is(err, errNothing) {
			if r.skipped != nil {
				r.skipped(err)
			}
			continue
		}
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

// every returns an optional request for each plugin of the indexes.
func (r *resolver) every(ctx context.Context) ([]request, error) {
	var requests []request
	for _, o := range r.indexes {
		plugins, err := o.view.Plugins(ctx)
		if err != nil {
			return nil, inIndex(o.Name, err)
		}
		for _, p := range plugins {
			if p.Latest != "" {
				requests = append(requests, request{publisher: p.Publisher, name: p.Name, optional: true})
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
	var refused []error
	for _, v := range slices.Backward(versions) {
		if !c.fits(v.Version) {
			continue
		}
		reason, err := r.refusal(ctx, c, v)
		switch {
		case err != nil:
			return c, err
		case reason == nil:
			c.version = v
			return c, nil
		case c.exact != "":
			return c, reason
		}
		refused = append(refused, reason)
	}
	return c, c.nothing(versions, refused)
}

// refusal says why a release that fits is not chosen, or nothing. The error says that this could
// not be found out.
func (r *resolver) refusal(ctx context.Context, c candidate, v tuf.Version) (reason, err error) {
	subject := revocation.Release{Publisher: c.publisher, Name: c.name, Version: v.Version, Digest: v.Digest}
	revoked := c.index.revoked
	if e := revoked.Find(subject); e != nil {
		return revokedError(c.index.Name, revoked, subject, e), nil
	}
	reference := subject.Reference()
	switch {
	case v.ABI != abi.Version:
		return fmt.Errorf("%s: speaks version %d of the interface between host and plugin, this host speaks %d", reference, v.ABI, abi.Version), nil
	case v.Yanked != nil && !r.allowYanked:
		return fmt.Errorf("%s: %w: %s: choose another version, or install it anyway with --allow-yanked", reference, ErrYanked, v.Yanked.Reason), nil
	case !revoked.NamesKeys() && c.index.publishers.Threshold(c.publisher) == 1 && r.software == nil:
		// What only the bundle says does not matter.
		return nil, nil
	}
	claims, err := c.claims(ctx, v)
	if claims == nil || err != nil {
		return nil, err
	}
	var tooFew *release.TooFewError
	subject, by, err := publisher.Judge(c.index.publishers, revoked, claims, r.now)
	switch {
	case by != nil:
		return revokedError(c.index.Name, revoked, subject, by), nil
	case errors.As(err, &tooFew):
		return release.NotTrusted(reference, v.Digest, err), nil
	}
	if lacks := r.software.lacks(claims.Manifest); lacks != "" {
		return fmt.Errorf("%s: %s", reference, lacks), nil
	}
	return nil, nil
}

// claims returns what the bundle of a release says, or nothing if none exists that can be read or
// it is of another release: who installs the release finds out what is wrong with it.
func (c candidate) claims(ctx context.Context, v tuf.Version) (*release.Claims, error) {
	target, err := c.bundle(ctx, v.Version)
	if errors.Is(err, tuf.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	claims, err := release.ReadClaims(target.Data)
	if err != nil || claims.Manifest.Reference() != c.path()+"@"+v.Version || claims.Digest != v.Digest {
		return nil, nil //nolint:nilerr // See above.
	}
	return claims, nil
}

// errNothing marks a request for which the index has nothing to choose.
var errNothing = errors.New("nothing can be chosen")

// nothingError says why. Its reasons are why each release is not chosen that is asked for: one that
// is revoked is more than one that does not exist.
type nothingError struct {
	text    string
	reasons []error
}

func (e *nothingError) Error() string        { return e.text }
func (e *nothingError) Is(target error) bool { return target == errNothing }
func (e *nothingError) Unwrap() []error      { return e.reasons }

func nothing(format string, args ...any) error {
	return &nothingError{text: fmt.Sprintf(format, args...)}
}

// bundle returns the target with the bundle of a release.
func (c candidate) bundle(ctx context.Context, version string) (*tuf.Target, error) {
	target, err := c.index.view.Target(ctx, tuf.ReleaseTarget(c.publisher, c.name, version))
	if errors.Is(err, tuf.ErrUnavailable) && errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("the index lists %s@%s, but its files are missing: a mirror may have some plugins only: %w", c.path(), version, err)
	}
	return target, inIndex(c.index.Name, err)
}

// nothing says that no release fits, and why each does not that is asked for.
func (c candidate) nothing(versions []tuf.Version, refused []error) error {
	if len(refused) > 0 {
		slices.Reverse(refused)
		texts := make([]string, len(refused))
		for i, reason := range refused {
			texts[i] = reason.Error()
		}
		return &nothingError{fmt.Sprintf("%s: no release can be chosen: %s", c.subject(), strings.Join(texts, "; ")), refused}
	}
	var there []string
	for _, v := range versions {
		text := c.path() + "@" + v.Version
		if v.Yanked != nil {
			text += " (yanked)"
		}
		there = append(there, text)
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

// home returns the one index that a publisher belongs to: the recorded one, or the only one that
// lists the publisher. Two that both list one leave open whose plugins they are.
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
		return nil, release.NotTrusted(publisher+"/"+plugin, "", r.trust.record(publisher, names[0]))
	case len(listing) > 1:
		return nil, release.NotTrusted(publisher+"/"+plugin, "", fmt.Errorf(
			"the indexes %s both list the publisher %s: say which one it belongs to with --index", strings.Join(names, " and "), publisher))
	case len(listing) == 0:
		return nil, nothing("%s/%s: is not in the index", publisher, plugin)
	}
	return listing[0], nil
}
