package index

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/internal/check"
	"github.com/latticenet/lattice-host/registry/release"
)

// The largest document that [Build] makes. Its readers take it whole.
const (
	MaxStaticReleases = 10_000
	MaxStaticBytes    = 8 << 20
)

// Entry is a release for [Build].
type Entry struct {
	*release.Claims
	// BundleDigest is the digest of the release bundle, in the form of release.Digest.
	BundleDigest string
}

// Build returns an official index, not signed yet, of releases whose files are in an OCI image
// layout next to the document.
//
// The format knows less than a release may say, so that some are skipped, with a note each: a
// publisher has one key, which is the one that signed its highest version, and releases that
// another one signed are not listed; nor are prereleases that are not alpha, nor what more than one
// key signed or must sign. Publishers without a release are not listed either.
func Build(at time.Time, publishers *publisher.List, entries []Entry) (x *Index, notes []string) {
	x = &Index{
		Schema: Schema, GeneratedAt: at.UTC().Format("2006-01-02T15:04:05Z"), Status: StatusOfficial,
		Publishers: []Publisher{}, Plugins: []Plugin{}, Signatures: []Signature{},
	}
	entries = slices.SortedFunc(slices.Values(entries), func(a, b Entry) int {
		if d := strings.Compare(a.id(), b.id()); d != 0 {
			return d
		}
		return CompareVersions(a.Manifest.Version, b.Manifest.Version)
	})
	keys := keysOf(publishers, entries)
	for _, e := range entries {
		if problem := x.list(e, publishers.Find(e.Manifest.Publisher), keys[e.Manifest.Publisher]); problem != "" {
			notes = append(notes, fmt.Sprintf("%s: %s: %s", FileName, e.Manifest.Reference(), problem))
		}
	}
	slices.SortFunc(x.Publishers, func(a, b Publisher) int { return strings.Compare(a.ID, b.ID) })
	return x, notes
}

func (e Entry) id() string { return e.Manifest.Publisher + "." + e.Manifest.Name }

// signedAlone reports whether the release has one signature, keyID returns who claims to have made
// the first.
func (e Entry) signedAlone() bool { return len(e.Signatures) == 1 }
func (e Entry) keyID() string     { return e.Signatures[0].KeyID }

// keysOf returns, of the keys of each publisher, the one that signed its highest version.
func keysOf(publishers *publisher.List, entries []Entry) map[string]string {
	keys, highest := map[string]string{}, map[string]string{}
	for _, e := range entries {
		id, version := e.Manifest.Publisher, e.Manifest.Version
		p := publishers.Find(id)
		if p == nil || !e.signedAlone() || !slices.ContainsFunc(p.Keys, func(k publisher.Key) bool { return k.ID == e.keyID() }) {
			continue
		}
		if highest[id] == "" || CompareVersions(highest[id], version) < 0 {
			keys[id], highest[id] = e.keyID(), version
		}
	}
	return keys
}

// list adds a release, or says why it cannot be listed. Entries come in ascending order.
func (x *Index) list(e Entry, p *publisher.Publisher, key string) (problem string) {
	if p == nil {
		return "is not listed: the index has no publisher " + e.Manifest.Publisher
	}
	i := slices.IndexFunc(p.Keys, func(k publisher.Key) bool { return k.ID == e.keyID() })
	suffix := prerelease(e.Manifest.Version)
	switch {
	case !validID(e.id()) || !validID(p.ID) || !validVersion(e.Manifest.Version):
		return "is not listed: this format has no such names or versions"
	case p.Threshold > 1:
		return fmt.Sprintf("is not listed: this format cannot say that %d keys of the publisher must sign", p.Threshold)
	case !e.signedAlone():
		return fmt.Sprintf("is not listed: this format has one signature a release, it has %d", len(e.Signatures))
	case i < 0:
		return "is not listed: its key " + e.keyID() + " is not one of the publisher's"
	case e.keyID() != key:
		return "is not listed: this format has one key a publisher, and " + key + " signed a higher version"
	case suffix != "" && !strings.HasPrefix(suffix, ChannelAlpha):
		return "is not listed: this format has no prereleases but -alpha"
	}
	if x.Publisher(p.ID) == nil {
		x.Publishers = append(x.Publishers, Publisher{ID: p.ID, Name: p.Name, PublicKey: p.Keys[i].PublicKey})
	}
	if n := len(x.Plugins); n == 0 || x.Plugins[n-1].ID != e.id() {
		x.Plugins = append(x.Plugins, Plugin{ID: e.id(), Name: e.Manifest.Name, Publisher: p.ID, Type: TypeWasm})
	}
	x.Plugins[len(x.Plugins)-1].offer(e)
	return ""
}

// offer adds a release, which is the highest so far, and has its channel point to it. What the
// plugin shows comes from the highest stable release, or from the highest alpha if none exists.
func (p *Plugin) offer(e Entry) {
	names := release.CapabilityNames(e.Manifest)
	r := Release{
		Version: e.Manifest.Version, Channel: ChannelStable, Capabilities: names,
		ManifestURL: blobLocation(e.BundleDigest), ArtifactURL: blobLocation(e.Digest),
		ArtifactSHA256: strings.TrimPrefix(e.Digest, "sha256:"), Signature: base64.StdEncoding.EncodeToString(e.Signatures[0].Ed25519),
	}
	if prerelease(r.Version) != "" {
		r.Channel = ChannelAlpha
		p.Channels.Alpha = r.Version
	} else {
		p.Channels.Stable, p.Latest = r.Version, r.Version
	}
	if r.Channel == ChannelStable || p.Channels.Stable == "" {
		p.Summary, p.Capabilities = e.Manifest.Summary, names
		if check.HasControl(p.Summary) {
			p.Summary = ""
		}
	}
	p.Releases = append(p.Releases, r)
}

// blobLocation returns where the file with a digest is, relative to the document.
func blobLocation(digest string) string {
	return "oci/blobs/" + strings.Replace(digest, ":", "/", 1)
}

// Same reports whether two documents say the same, dates and signatures aside.
func (x *Index) Same(y *Index) (bool, error) {
	a, b := *x, *y
	a.GeneratedAt, b.GeneratedAt = "", ""
	first, err := a.payload()
	if err != nil {
		return false, err
	}
	second, err := b.payload()
	return string(first) == string(second), err
}
