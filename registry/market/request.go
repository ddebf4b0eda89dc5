package market

import (
	"fmt"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/versions"
)

// request is a plugin as the user names it. Publisher and versions may be empty.
type request struct {
	publisher, name string
	// text is what follows the @.
	text string
	// exact is the version when one was named, else ranged says which versions fit; both may be
	// nothing.
	exact  string
	ranged *versions.Range
	// optional says that there may be nothing to choose.
	optional bool
}

// parseRequest reads publisher/name@range, of which publisher and range may be left out. A range is
// a version, or what [versions.Parse] reads: ^1.2, ~1.2, 1.x, ">= 1.2, < 2".
func parseRequest(s string) (request, error) {
	path, text, limited := strings.Cut(s, "@")
	publisher, name, full := strings.Cut(path, "/")
	if !full {
		publisher, name = "", path
	}
	r := request{publisher: publisher, name: name, text: text}
	malformed := fmt.Errorf("%q must be publisher/name, publisher/name@1.2.0, publisher/name@^1 or name", s)
	switch {
	case !abi.ValidName(name) || full && !abi.ValidName(publisher):
		return r, malformed
	case !limited:
		return r, nil
	case abi.ValidVersion(text):
		r.exact = text
		return r, nil
	}
	ranged, err := versions.Parse(text)
	if err != nil {
		return r, malformed
	}
	r.ranged = &ranged
	return r, nil
}

// fits reports whether a version is asked for. A prerelease has to be named, or its range has to
// name one.
func (r request) fits(version string) bool {
	if r.exact != "" {
		return version == r.exact
	}
	if r.ranged == nil {
		return !versions.IsPrerelease(version)
	}
	return r.ranged.Has(version)
}

// subject returns the request for messages.
func (r request) subject() string {
	path := r.name
	if r.publisher != "" {
		path = r.publisher + "/" + r.name
	}
	if r.text == "" {
		return path
	}
	return path + "@" + r.text
}
