package index

import (
	"crypto/ed25519"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/registry/internal/check"
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

// maxSegmentBytes is the longest part of a path in a folder index, well below what file systems
// take.
const maxSegmentBytes = 128

func validID(s string) bool {
	return len(s) >= 3 && len(s) <= 80 && check.ConsistsOf(s, lowerAndDigits+"._-") &&
		check.ConsistsOf(s[:1], lowerAndDigits) && check.ConsistsOf(s[len(s)-1:], lowerAndDigits)
}

func validVersion(s string) bool {
	return s != "" && len(s) <= 64 && check.ConsistsOf(s, alphanumeric+"._+:-") && check.ConsistsOf(s[:1], alphanumeric) &&
		!strings.Contains(s, "..")
}

// validSegment reports whether s can be one part of a path. None begins with a dot, so that none is
// "." or "..".
func validSegment(s string) bool {
	return s != "" && len(s) <= maxSegmentBytes && s[0] != '.' && check.ConsistsOf(s, alphanumeric+"._+-")
}

// maxTextBytes bounds names and summaries.
const maxTextBytes = 200

// checker checks the parts of an index.
type checker struct{ check.Problems }

// check returns everything that is wrong with the document, one problem a line.
func (x *Index) check() error {
	var c checker
	c.Require(x.Schema == Schema, "schema", "must be "+Schema)
	_, err := time.Parse(time.RFC3339, x.GeneratedAt)
	c.Require(err == nil && strings.HasSuffix(x.GeneratedAt, "Z"), "generated_at", "must be a time in RFC 3339 that ends in Z")
	c.OneOf("status", x.Status, StatusOfficial, StatusDraft, StatusExample)
	c.Require(x.Publishers != nil, "publishers", "must be an array")
	c.Require(x.Plugins != nil, "plugins", "must be an array")
	c.Require(x.Signatures != nil, "signatures", "must be an array")
	publishers, plugins := check.Set{}, check.Set{}
	for i, p := range x.Publishers {
		c.publisher(check.At("publishers", i), p)
		c.Distinct(check.At("publishers", i)+".id", p.ID, publishers)
	}
	for i, p := range x.Plugins {
		c.plugin(check.At("plugins", i), p, publishers)
		c.Distinct(check.At("plugins", i)+".id", p.ID, plugins)
	}
	for i, s := range x.Signatures {
		c.Text(check.At("signatures", i)+".publisher", s.Publisher, maxTextBytes)
		c.Base64(check.At("signatures", i)+".signature_ed25519", s.Signature, ed25519.SignatureSize)
	}
	c.Require(x.Status != StatusOfficial || len(x.Signatures) > 0, "signatures", "an official index must have at least one")
	return c.Err()
}

func (c *checker) publisher(at string, p Publisher) {
	c.id(at+".id", p.ID)
	c.Text(at+".name", p.Name, maxTextBytes)
	if _, err := p.Key(); err != nil {
		c.Fail(at+".public_key_ed25519", err.Error())
	}
}

func (c *checker) plugin(at string, p Plugin, publishers check.Set) {
	c.id(at+".id", p.ID)
	c.Text(at+".name", p.Name, maxTextBytes)
	c.Require(publishers[p.Publisher], at+".publisher", strconv.Quote(p.Publisher)+" is not among the publishers of this index")
	c.OneOf(at+".type", p.Type, TypeWasm, TypeSystem, TypeWorker)
	c.Require(len(p.Summary) <= maxTextBytes && !check.HasControl(p.Summary), at+".summary", fmt.Sprintf("must be one line of at most %d bytes", maxTextBytes))
	c.Require(p.Capabilities != nil, at+".capabilities", "must be an array")
	c.capabilities(at+".capabilities", p.Capabilities)
	c.Require(p.Releases != nil, at+".releases", "must be an array")
	versions := check.Set{}
	for i, r := range p.Releases {
		c.release(at+"."+releaseAt(i), r)
		c.Distinct(at+"."+releaseAt(i)+".version", r.Version, versions)
	}
	c.channels(at, p)
}

func (c *checker) channels(at string, p Plugin) {
	c.channel(at+".channels."+ChannelStable, p, ChannelStable, p.Channels.Stable)
	c.channel(at+".channels."+ChannelAlpha, p, ChannelAlpha, p.Channels.Alpha)
	c.Require(p.Latest == "" || p.Latest == p.Channels.Stable, at+".latest", "must be the version in channels.stable")
	uses := func(channel string) bool {
		return slices.ContainsFunc(p.Releases, func(r Release) bool { return r.Channel == channel })
	}
	if !uses(ChannelStable) || !uses(ChannelAlpha) {
		return
	}
	for i, r := range p.Releases {
		c.Require(r.Capabilities != nil, at+"."+releaseAt(i)+".capabilities",
			"must be there, because the plugin has releases in more than one channel")
	}
}

func (c *checker) channel(at string, p Plugin, channel, version string) {
	found := slices.ContainsFunc(p.Releases, func(r Release) bool { return r.Version == version && r.Channel == channel })
	c.Require(version == "" || found, at, strconv.Quote(version)+" is not a release in this channel")
}

func (c *checker) release(at string, r Release) {
	c.Require(validVersion(r.Version), at+".version", "must match "+versionGrammar)
	c.OneOf(at+".channel", r.Channel, ChannelStable, ChannelAlpha)
	suffix := prerelease(r.Version)
	c.Require(r.Channel != ChannelStable || suffix == "", at+".version", "a prerelease cannot be in the channel stable")
	c.Require(r.Channel != ChannelAlpha || strings.HasPrefix(suffix, ChannelAlpha), at+".version",
		"must be an -alpha prerelease in the channel alpha")
	c.capabilities(at+".capabilities", r.Capabilities)
	c.location(at+".manifest_url", r.ManifestURL)
	c.location(at+".artifact_url", r.ArtifactURL)
	c.Require(release.ValidDigest(r.Digest()), at+".artifact_sha256", "must be 64 lower-case hexadecimal digits")
	c.Base64(at+".signature_ed25519", r.Signature, ed25519.SignatureSize)
}

// location checks an HTTPS URL or a path relative to the index.
func (c *checker) location(at, s string) {
	if IsRelative(s) {
		for segment := range strings.SplitSeq(s, "/") {
			if !validSegment(segment) {
				c.Fail(at, "the path "+strconv.Quote(s)+" must have parts of letters, digits and ._+- only, none beginning with a dot")
				return
			}
		}
		return
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "" || !check.ConsistsOf(s, printable):
		c.Fail(at, strconv.Quote(s)+" must be an https URL, or a path relative to the index")
	case u.User != nil || strings.ContainsAny(s, "?#@"):
		c.Fail(at, strconv.Quote(s)+" must not have user information, a query or a fragment")
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

func (c *checker) id(field, value string) {
	c.Require(validID(value), field, strconv.Quote(value)+" must match "+idGrammar)
}

func (c *checker) capabilities(field string, names []string) {
	before := check.Set{}
	for i, name := range names {
		c.Text(field+"."+strconv.Itoa(i), name, maxTextBytes)
		c.Distinct(field+"."+strconv.Itoa(i), name, before)
	}
}

func releaseAt(i int) string { return check.At("releases", i) }
