package facts

import (
	"strings"

	"github.com/latticenet/lattice-host/host/gate"
)

// Image returns the resource for an image as it is written.
func Image(s string) gate.Entity {
	i := parseImage(s)
	return gate.ImageRef(s, i.registry, i.name, i.tag)
}

// image is an image's name, taken apart.
type image struct {
	registry, name string
	// tag may be a digest.
	tag string
	// pinned says that the tag is a SHA-256.
	pinned bool
}

// parseImage takes an image's name apart, as container runtimes do: what has neither a dot nor a
// port in front is on Docker Hub, and what has no tag is latest.
func parseImage(s string) image {
	i := image{registry: "docker.io", name: s, tag: "latest"}
	if first, rest, found := strings.Cut(s, "/"); found && isRegistry(first) {
		i.registry, i.name = strings.ToLower(first), rest
	}
	if i.registry == "index.docker.io" {
		i.registry = "docker.io"
	}
	digest := ""
	if at := strings.IndexByte(i.name, '@'); at >= 0 {
		i.name, digest = i.name[:at], i.name[at+1:]
	}
	// A colon before the last slash belongs to no tag.
	if colon := strings.LastIndexByte(i.name, ':'); colon > strings.LastIndexByte(i.name, '/') {
		i.name, i.tag = i.name[:colon], i.name[colon+1:]
	}
	if i.registry == "docker.io" && !strings.Contains(i.name, "/") {
		i.name = "library/" + i.name
	}
	if digest != "" {
		i.tag, i.pinned = digest, isSHA256(digest)
	}
	return i
}

// isRegistry reports whether the first part of an image's name is a host: the names of images are
// in lower case.
func isRegistry(first string) bool {
	return strings.ContainsAny(first, ".:") || first == "localhost" || strings.ToLower(first) != first
}

func isSHA256(digest string) bool {
	hex, found := strings.CutPrefix(digest, "sha256:")
	return found && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}
