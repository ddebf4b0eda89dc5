package tuf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/release"
)

// The largest documents that list releases: some thousand releases of a plugin, some ten thousand
// plugins.
const (
	MaxVersionsBytes = 1_000_000
	MaxPluginsBytes  = 2_000_000
)

// listFormat is the version of both documents.
const listFormat = 1

// maxCapabilities is how many capabilities a release may ask for: abi has fewer.
const maxCapabilities = 64

// Version is a release of a plugin, as the target plugins/PUBLISHER/PLUGIN.json lists it:
//
//	{"version": 1, "releases": [{"version": "1.0.0", "digest": "sha256:…", "size": 1900000, "abi": 1, "capabilities": []}]}
//
// The list says which releases there are to choose from; that the publisher made one is proven by
// its bundle alone, which is the target of the release.
type Version struct {
	// Version is that of the manifest.
	Version string `json:"version"`
	// Digest is that of the module, in the form of release.Digest.
	Digest string `json:"digest"`
	// Size is that of the module in bytes.
	Size int64 `json:"size"`
	// ABI is the version of the interface between host and module.
	ABI int64 `json:"abi"`
	// Capabilities are the names of those that the manifest asks for, sorted.
	Capabilities []string `json:"capabilities"`
	// Summary is one line for people, or empty.
	Summary string `json:"summary,omitempty"`
	// OCI is where the module can be pulled from, or empty.
	OCI string `json:"oci,omitempty"`
	// Yanked and Deprecated are those of the release's [Note].
	Yanked     *Yanked     `json:"yanked,omitempty"`
	Deprecated *Deprecated `json:"deprecated,omitempty"`
}

// Note returns what is said about the release.
func (v *Version) Note() Note { return Note{Yanked: v.Yanked, Deprecated: v.Deprecated} }

// SameRelease reports whether v and o are the same release, whatever is said about it.
func (v *Version) SameRelease(o *Version) bool {
	return v.Version == o.Version && v.Digest == o.Digest && v.Size == o.Size && v.ABI == o.ABI && v.Summary == o.Summary &&
		v.OCI == o.OCI && slices.Equal(v.Capabilities, o.Capabilities)
}

// Plugin is a plugin, as the target plugins.json lists it:
//
//	{"version": 1, "plugins": [{"publisher": "acme", "name": "web", "latest": "1.0.0", "summary": "Serves pages"}]}
type Plugin struct {
	// Publisher and Name are those of the manifest.
	Publisher string `json:"publisher"`
	Name      string `json:"name"`
	// Latest is the highest version that was not yanked, a prerelease only when there is nothing
	// else. It is empty when all were yanked.
	Latest string `json:"latest,omitempty"`
	// Summary is that of the latest version, or of the highest.
	Summary string `json:"summary,omitempty"`
}

// Path returns publisher/name.
func (p Plugin) Path() string { return p.Publisher + "/" + p.Name }

// versionsDocument and pluginsDocument are the content of the targets.
type versionsDocument struct {
	Version  int       `json:"version"`
	Releases []Version `json:"releases"`
}

type pluginsDocument struct {
	Version int      `json:"version"`
	Plugins []Plugin `json:"plugins"`
}

// Versions returns the releases of a plugin in ascending order, yanked ones among them. The error
// is that of [View.Target]; [ErrNotFound] means that there is no such plugin.
func (v *View) Versions(ctx context.Context, publisher, plugin string) ([]Version, error) {
	return list(ctx, v, VersionsTarget(publisher, plugin), ParseVersions)
}

// Plugins returns all plugins in the order of their paths. The error is that of [View.Target], but
// an index that lists no plugins has none.
func (v *View) Plugins(ctx context.Context) ([]Plugin, error) {
	plugins, err := list(ctx, v, PluginsTarget, ParsePlugins)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return plugins, err
}

func list[T any](ctx context.Context, v *View, name string, parse func([]byte) ([]T, error)) ([]T, error) {
	target, err := v.Target(ctx, name)
	if err != nil {
		return nil, err
	}
	listed, err := parse(target.Data)
	if err != nil {
		return nil, malformed(target.Role, "%s: %v", name, err)
	}
	return listed, nil
}

// ParseVersions reads the document that lists the releases of a plugin, strictly.
func ParseVersions(data []byte) ([]Version, error) {
	var d versionsDocument
	if err := strictjson.Decode(data, MaxVersionsBytes, &d); err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	return d.Releases, nil
}

// EncodeVersions returns the document that lists the releases of a plugin. Equal lists give equal
// bytes.
func EncodeVersions(versions []Version) ([]byte, error) {
	return encode(versionsDocument{listFormat, versions}, MaxVersionsBytes)
}

// ParsePlugins reads the document that lists all plugins, strictly.
func ParsePlugins(data []byte) ([]Plugin, error) {
	var d pluginsDocument
	if err := strictjson.Decode(data, MaxPluginsBytes, &d); err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	return d.Plugins, nil
}

// EncodePlugins returns the document that lists all plugins. Equal lists give equal bytes.
func EncodePlugins(plugins []Plugin) ([]byte, error) {
	return encode(pluginsDocument{listFormat, plugins}, MaxPluginsBytes)
}

func encode(d interface{ check() error }, limit int) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	data, err := strictjson.Marshal(d)
	if err == nil && len(data) > limit {
		err = fmt.Errorf("the document has %d bytes, the limit is %d", len(data), limit)
	}
	return data, err
}

// Describe returns the entry of a plugin in the list of all, given its releases in ascending order.
func Describe(publisher, plugin string, versions []Version) Plugin {
	p := Plugin{Publisher: publisher, Name: plugin}
	if len(versions) == 0 {
		return p
	}
	p.Summary = versions[len(versions)-1].Summary
	for _, prereleases := range []bool{true, false} {
		for i := range versions {
			v := &versions[i]
			if v.Yanked == nil && (prereleases || semver.Prerelease("v"+v.Version) == "") {
				p.Latest, p.Summary = v.Version, v.Summary
			}
		}
	}
	return p
}

func (d versionsDocument) check() error {
	if err := checkFormat(d.Version); err != nil {
		return err
	}
	if d.Releases == nil {
		return errors.New("releases: must be an array")
	}
	for i := range d.Releases {
		v := &d.Releases[i]
		if err := v.Check(); err != nil {
			return fmt.Errorf("releases.%d.%w", i, err)
		}
		if i > 0 && index.CompareVersions(d.Releases[i-1].Version, v.Version) >= 0 {
			return fmt.Errorf("releases.%d.version: %s must appear once, in ascending order", i, v.Version)
		}
	}
	return nil
}

func checkFormat(version int) error {
	if version != listFormat {
		return fmt.Errorf("version: is %d, this program reads version %d", version, listFormat)
	}
	return nil
}

// Check reports what is wrong with the form of a release.
func (v *Version) Check() error {
	switch {
	case !abi.ValidVersion(v.Version):
		return fmt.Errorf("version: %q is not a semantic version", v.Version)
	case !release.ValidDigest(v.Digest):
		return fmt.Errorf("digest: %q is not sha256: and 64 hexadecimal digits", v.Digest)
	case v.Size < 1:
		return fmt.Errorf("size: is %d, it must be at least 1", v.Size)
	case v.ABI < 1:
		return fmt.Errorf("abi: is %d, it must be at least 1", v.ABI)
	case v.Summary != "" && !oneLine(v.Summary):
		return badLine("summary")
	case v.OCI != "" && !oneLine(v.OCI):
		return badLine("oci")
	}
	if err := v.checkCapabilities(); err != nil {
		return err
	}
	return v.Note().check()
}

func (v *Version) checkCapabilities() error {
	if v.Capabilities == nil || len(v.Capabilities) > maxCapabilities {
		return fmt.Errorf("capabilities: must be an array of at most %d names", maxCapabilities)
	}
	for i, name := range v.Capabilities {
		if !oneLine(name) || i > 0 && v.Capabilities[i-1] >= name {
			return fmt.Errorf("capabilities.%d: %q is not a name or out of order", i, name)
		}
	}
	return nil
}

func (d pluginsDocument) check() error {
	if err := checkFormat(d.Version); err != nil {
		return err
	}
	if d.Plugins == nil {
		return errors.New("plugins: must be an array")
	}
	for i, p := range d.Plugins {
		if err := p.check(); err != nil {
			return fmt.Errorf("plugins.%d.%w", i, err)
		}
		if i > 0 && ComparePlugins(d.Plugins[i-1], p) >= 0 {
			return fmt.Errorf("plugins.%d: %s must appear once, in the order of publishers and names", i, p.Path())
		}
	}
	return nil
}

func (p Plugin) check() error {
	switch {
	case !abi.ValidName(p.Publisher):
		return fmt.Errorf("publisher: %q is not a name", p.Publisher)
	case !abi.ValidName(p.Name):
		return fmt.Errorf("name: %q is not a name", p.Name)
	case p.Latest != "" && !abi.ValidVersion(p.Latest):
		return fmt.Errorf("latest: %q is not a semantic version", p.Latest)
	case p.Summary != "" && !oneLine(p.Summary):
		return badLine("summary")
	}
	return nil
}

// ComparePlugins orders plugins by publisher and name.
func ComparePlugins(a, b Plugin) int {
	if c := strings.Compare(a.Publisher, b.Publisher); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}
