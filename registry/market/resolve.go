package market

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index"
)

// request is a plugin as the user names it. Publisher and version may be empty.
type request struct{ publisher, name, version string }

// parseRequest reads publisher/name@version, of which publisher and version may be left out.
func parseRequest(s string) (request, error) {
	var r request
	path, version, exact := strings.Cut(s, "@")
	publisher, name, full := strings.Cut(path, "/")
	if !full {
		publisher, name = "", path
	}
	r = request{publisher: publisher, name: name, version: version}
	if !abi.ValidName(name) || full && !abi.ValidName(publisher) || exact && !abi.ValidVersion(version) {
		return r, fmt.Errorf("%q must be publisher/name, publisher/name@1.2.0 or name", s)
	}
	return r, nil
}

// candidate is a release that was chosen from an index.
type candidate struct {
	publisher, name string
	release         index.Release
}

func (c candidate) path() string { return c.publisher + "/" + c.name }

func (c candidate) reference() string { return c.path() + "@" + c.release.Version }

// resolve chooses the releases for names, or for every plugin of the index, in that order and each once.
func resolve(x *index.Index, names []string, all bool) ([]candidate, error) {
	requests, err := requested(x, names, all)
	if err != nil {
		return nil, err
	}
	var chosen []candidate
	var problems []error
	versions := map[string]string{}
	for _, r := range requests {
		c, err := choose(x, r)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		before, twice := versions[c.path()]
		switch {
		case !twice:
			versions[c.path()] = c.release.Version
			chosen = append(chosen, c)
		case before != c.release.Version:
			problems = append(problems, fmt.Errorf("%s: asked for in the versions %s and %s", c.path(), before, c.release.Version))
		}
	}
	return chosen, errors.Join(problems...)
}

func requested(x *index.Index, names []string, all bool) ([]request, error) {
	switch {
	case all && len(names) > 0:
		return nil, errors.New("either name plugins or ask for all, not both")
	case all:
		return everyPlugin(x)
	case len(names) == 0:
		return nil, errors.New("name at least one plugin, as publisher/name")
	}
	var requests []request
	var problems []error
	for _, name := range names {
		r, err := parseRequest(name)
		if err != nil {
			problems = append(problems, err)
		}
		requests = append(requests, r)
	}
	return requests, errors.Join(problems...)
}

func everyPlugin(x *index.Index) ([]request, error) {
	var requests []request
	var problems []error
	for _, p := range x.Plugins {
		if p.Type != index.TypeWasm {
			continue
		}
		name, ok := strings.CutPrefix(p.ID, p.Publisher+".")
		if !ok || !abi.ValidName(p.Publisher) || !abi.ValidName(name) {
			problems = append(problems, fmt.Errorf("%s: the id is not publisher.name with the publisher %s", p.ID, p.Publisher))
			continue
		}
		requests = append(requests, request{publisher: p.Publisher, name: name})
	}
	return requests, errors.Join(problems...)
}

func choose(x *index.Index, r request) (candidate, error) {
	publisher, err := choosePublisher(x, r)
	if err != nil {
		return candidate{}, err
	}
	c := candidate{publisher: publisher, name: r.name}
	p := x.Plugin(publisher, r.name)
	if p == nil {
		return c, fmt.Errorf("%s: is not in the index", c.path())
	}
	for _, candidate := range p.Releases {
		if r.version == "" && !offered(candidate.Version) || r.version != "" && candidate.Version != r.version {
			continue
		}
		if c.release.Version == "" || index.CompareVersions(candidate.Version, c.release.Version) > 0 {
			c.release = candidate
		}
	}
	if c.release.Version == "" {
		return c, noRelease(c.path(), r.version, p)
	}
	return c, nil
}

func choosePublisher(x *index.Index, r request) (string, error) {
	if r.publisher != "" {
		return r.publisher, nil
	}
	var publishers []string
	for _, p := range x.Plugins {
		if p.Type == index.TypeWasm && p.ID == p.Publisher+"."+r.name {
			publishers = append(publishers, p.Publisher)
		}
	}
	switch len(publishers) {
	case 0:
		return "", fmt.Errorf("%s: is not in the index", r.name)
	case 1:
		return publishers[0], nil
	}
	return "", fmt.Errorf("%s: several publishers have a plugin of this name, say which one: %s/%s",
		r.name, strings.Join(publishers, "/"+r.name+", "), r.name)
}

// offered reports whether a version can be chosen without being named: prereleases must be asked for.
func offered(version string) bool {
	return abi.ValidVersion(version) && semver.Prerelease("v"+version) == ""
}

func noRelease(path, version string, p *index.Plugin) error {
	versions := make([]string, len(p.Releases))
	for i, r := range p.Releases {
		versions[i] = path + "@" + r.Version
	}
	what := "no release that is not a prerelease"
	if version != "" {
		what = "no version " + version
	}
	return fmt.Errorf("%s: the index has %s, it has: %s", path, what, strings.Join(versions, ", "))
}
