package index

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/registry/release"
)

// The grammars of ids and versions, for messages.
const (
	idGrammar      = "^[a-z0-9][a-z0-9._-]{1,78}[a-z0-9]$"
	versionGrammar = "^[A-Za-z0-9][A-Za-z0-9._+:-]{0,63}$, without two dots in a row"
)

// Sets of characters.
const (
	lowerAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789"
	alphanumeric   = lowerAndDigits + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	// printable are the characters of URLs (RFC 3986).
	printable = alphanumeric + "-._~:/?#[]@!$&'()*+,;=%"
)

// maxSegmentBytes is the longest part of a path in a folder index, well below what file systems take.
const maxSegmentBytes = 128

func consistsOf(s, set string) bool { return strings.Trim(s, set) == "" }

func validID(s string) bool {
	return len(s) >= 3 && len(s) <= 80 && consistsOf(s, lowerAndDigits+"._-") &&
		consistsOf(s[:1], lowerAndDigits) && consistsOf(s[len(s)-1:], lowerAndDigits)
}

func validVersion(s string) bool {
	return s != "" && len(s) <= 64 && consistsOf(s, alphanumeric+"._+:-") && consistsOf(s[:1], alphanumeric) &&
		!strings.Contains(s, "..")
}

// validSegment reports whether s can be one part of a path. None begins with a dot, so that none is "." or "..".
func validSegment(s string) bool {
	return s != "" && len(s) <= maxSegmentBytes && s[0] != '.' && consistsOf(s, alphanumeric+"._+-")
}

// maxTextBytes bounds names and summaries.
const maxTextBytes = 200

// checker collects what is wrong, in the order of the document.
type checker struct{ problems []error }

// check returns everything that is wrong with the document, one problem a line.
func (x *Index) check() error {
	var c checker
	c.require(x.Schema == Schema, "schema", "must be "+Schema)
	_, err := time.Parse(time.RFC3339, x.GeneratedAt)
	c.require(err == nil && strings.HasSuffix(x.GeneratedAt, "Z"), "generated_at", "must be a time in RFC 3339 that ends in Z")
	c.oneOf("status", x.Status, StatusOfficial, StatusDraft, StatusExample)
	c.require(x.Publishers != nil, "publishers", "must be an array")
	c.require(x.Plugins != nil, "plugins", "must be an array")
	c.require(x.Signatures != nil, "signatures", "must be an array")
	publishers, plugins := set{}, set{}
	for i, p := range x.Publishers {
		c.publisher(at("publishers", i), p)
		c.distinct(at("publishers", i)+".id", p.ID, publishers)
	}
	for i, p := range x.Plugins {
		c.plugin(at("plugins", i), p, publishers)
		c.distinct(at("plugins", i)+".id", p.ID, plugins)
	}
	for i, s := range x.Signatures {
		c.text(at("signatures", i)+".publisher", s.Publisher)
		c.base64(at("signatures", i)+".signature_ed25519", s.Signature, ed25519.SignatureSize)
	}
	c.require(x.Status != StatusOfficial || len(x.Signatures) > 0, "signatures", "an official index must have at least one")
	return errors.Join(c.problems...)
}

func (c *checker) publisher(at string, p Publisher) {
	c.id(at+".id", p.ID)
	c.text(at+".name", p.Name)
	c.base64(at+".public_key_ed25519", p.PublicKey, ed25519.PublicKeySize)
}

func (c *checker) plugin(at string, p Plugin, publishers set) {
	c.id(at+".id", p.ID)
	c.text(at+".name", p.Name)
	c.require(publishers[p.Publisher], at+".publisher", strconv.Quote(p.Publisher)+" is not among the publishers of this index")
	c.oneOf(at+".type", p.Type, TypeWasm, TypeSystem, TypeWorker)
	c.require(len(p.Summary) <= maxTextBytes && !hasControl(p.Summary), at+".summary", fmt.Sprintf("must be one line of at most %d bytes", maxTextBytes))
	c.require(p.Capabilities != nil, at+".capabilities", "must be an array")
	c.capabilities(at+".capabilities", p.Capabilities)
	c.require(p.Releases != nil, at+".releases", "must be an array")
	versions := set{}
	for i, r := range p.Releases {
		c.release(at+"."+releaseAt(i), r)
		c.distinct(at+"."+releaseAt(i)+".version", r.Version, versions)
	}
	c.channels(at, p)
}

func (c *checker) channels(at string, p Plugin) {
	c.channel(at+".channels."+ChannelStable, p, ChannelStable, p.Channels.Stable)
	c.channel(at+".channels."+ChannelAlpha, p, ChannelAlpha, p.Channels.Alpha)
	c.require(p.Latest == "" || p.Latest == p.Channels.Stable, at+".latest", "must be the version in channels.stable")
	uses := func(channel string) bool {
		return slices.ContainsFunc(p.Releases, func(r Release) bool { return r.Channel == channel })
	}
	if !uses(ChannelStable) || !uses(ChannelAlpha) {
		return
	}
	for i, r := range p.Releases {
		c.require(r.Capabilities != nil, at+"."+releaseAt(i)+".capabilities",
			"must be there, because the plugin has releases in more than one channel")
	}
}

func (c *checker) channel(at string, p Plugin, channel, version string) {
	found := slices.ContainsFunc(p.Releases, func(r Release) bool { return r.Version == version && r.Channel == channel })
	c.require(version == "" || found, at, strconv.Quote(version)+" is not a release in this channel")
}

func (c *checker) release(at string, r Release) {
	c.require(validVersion(r.Version), at+".version", "must match "+versionGrammar)
	c.oneOf(at+".channel", r.Channel, ChannelStable, ChannelAlpha)
	suffix := prerelease(r.Version)
	c.require(r.Channel != ChannelStable || suffix == "", at+".version", "a prerelease cannot be in the channel stable")
	c.require(r.Channel != ChannelAlpha || strings.HasPrefix(suffix, ChannelAlpha), at+".version",
		"must be an -alpha prerelease in the channel alpha")
	c.capabilities(at+".capabilities", r.Capabilities)
	c.location(at+".manifest_url", r.ManifestURL)
	c.location(at+".artifact_url", r.ArtifactURL)
	c.require(release.ValidDigest(r.Digest()), at+".artifact_sha256", "must be 64 lower-case hexadecimal digits")
	c.base64(at+".signature_ed25519", r.Signature, ed25519.SignatureSize)
}

// location checks an HTTPS URL or a path relative to the index.
func (c *checker) location(at, s string) {
	if IsRelative(s) {
		for segment := range strings.SplitSeq(s, "/") {
			if !validSegment(segment) {
				c.fail(at, "the path "+strconv.Quote(s)+" must have parts of letters, digits and ._+- only, none beginning with a dot")
				return
			}
		}
		return
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "" || !consistsOf(s, printable):
		c.fail(at, strconv.Quote(s)+" must be an https URL, or a path relative to the index")
	case u.User != nil || strings.ContainsAny(s, "?#@"):
		c.fail(at, strconv.Quote(s)+" must not have user information, a query or a fragment")
	}
}

// IsRelative reports whether a location is a path relative to the index rather than a URL.
func IsRelative(location string) bool { return !strings.Contains(location, ":") }

// prerelease returns what follows the first hyphen of a version, build metadata aside.
func prerelease(version string) string {
	core, _, _ := strings.Cut(version, "+")
	_, suffix, _ := strings.Cut(core, "-")
	return suffix
}

func (c *checker) fail(field, problem string) {
	c.problems = append(c.problems, errors.New(field+": "+problem))
}

func (c *checker) require(ok bool, field, problem string) {
	if !ok {
		c.fail(field, problem)
	}
}

func (c *checker) oneOf(field, value string, allowed ...string) {
	c.require(slices.Contains(allowed, value), field, "is "+strconv.Quote(value)+", must be one of "+strings.Join(allowed, ", "))
}

func (c *checker) id(field, value string) {
	c.require(validID(value), field, strconv.Quote(value)+" must match "+idGrammar)
}

func (c *checker) text(field, value string) {
	c.require(value != "" && len(value) <= maxTextBytes && !hasControl(value), field, fmt.Sprintf("must be one line of 1 to %d bytes", maxTextBytes))
}

func (c *checker) base64(field, value string, size int) {
	if _, err := decodeBase64(value, size); err != nil {
		c.fail(field, err.Error())
	}
}

// set remembers values of one list.
type set map[string]bool

// distinct complains when value was there before.
func (c *checker) distinct(field, value string, before set) {
	c.require(!before[value], field, strconv.Quote(value)+" is there twice")
	before[value] = true
}

func (c *checker) capabilities(field string, names []string) {
	before := set{}
	for i, name := range names {
		c.text(field+"."+strconv.Itoa(i), name)
		c.distinct(field+"."+strconv.Itoa(i), name, before)
	}
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

func at(list string, i int) string { return fmt.Sprintf("%s.%d", list, i) }

func releaseAt(i int) string { return at("releases", i) }
