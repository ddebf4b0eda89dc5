package author

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/release"
)

// Release is a release of a plugin as its author adds it.
type Release struct {
	// Publisher, Name, Version and Summary are those of the manifest, ABI its interface version,
	// and Capabilities the names of the capabilities that it asks for, sorted.
	Publisher, Name, Version, Summary string
	ABI                               int64
	Capabilities                      []string
	// Digest is that of the module, in the form of release.Digest, and Size its length in bytes.
	Digest string
	Size   int64
	// OCI is where the module can be pulled from, or empty.
	OCI string
	// Bundle is the release bundle, which the caller has verified.
	Bundle []byte
}

// Listed is a release of the index.
type Listed struct {
	// Publisher and Name are those of the plugin.
	Publisher, Name string
	tuf.Version
}

// AddRelease puts a release into the index, and into the lists of releases and of plugins. A
// release cannot be replaced by another: raise its version. Adding the same again changes nothing,
// and adding it with the signatures of more people adds these.
func (d *Draft) AddRelease(r Release) error {
	name := tuf.ReleaseTarget(r.Publisher, r.Name, r.Version)
	if _, _, _, ok := tuf.ParseReleaseTarget(name); !ok {
		return fmt.Errorf("%s: is not a name for a target of an index", name)
	}
	added := tuf.Version{
		Version: r.Version, Digest: r.Digest, Size: r.Size, ABI: r.ABI, Summary: r.Summary, OCI: r.OCI,
		Capabilities: append([]string{}, r.Capabilities...),
	}
	if err := added.Check(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	versions, i, present, err := d.find(r.Publisher, r.Name, r.Version)
	if err != nil {
		return err
	}
	if present {
		return d.addSignatures(name, versions[i], added, r.Bundle)
	}
	if _, err := d.put(name, r.Bundle); err != nil {
		return err
	}
	d.setVersions(r.Publisher, r.Name, slices.Insert(versions, i, added))
	d.note("%s: adds %s, %s", RoleReleases, reference(r.Publisher, r.Name, r.Version), r.Digest)
	return nil
}

func reference(publisher, plugin, version string) string {
	return publisher + "/" + plugin + "@" + version
}

// addSignatures replaces the bundle of a release by one that has its signatures and others, and
// refuses a release that is there and is another.
func (d *Draft) addSignatures(name string, present, added tuf.Version, bundle []byte) error {
	has, err := d.Target(name)
	if err != nil {
		return err
	}
	same := present.SameRelease(&added)
	if same && bytes.Equal(has, bundle) {
		return nil
	}
	before, errBefore := release.ParseBundle(has)
	after, errAfter := release.ParseBundle(bundle)
	if !same || errBefore != nil || errAfter != nil || !after.Extends(before) {
		return fmt.Errorf("%s: the index has this release with another content: raise the version", name)
	}
	if _, err := d.put(name, bundle); err != nil {
		return err
	}
	d.note("%s: adds signatures to %s, it has those of %s", RoleReleases, named(name), strings.Join(after.KeyIDs(), ", "))
	return nil
}

// Claims returns the bundle of a release, and what it says.
func (d *Draft) Claims(publisher, plugin, version string) (bundle []byte, claims *release.Claims, err error) {
	name := tuf.ReleaseTarget(publisher, plugin, version)
	if bundle, err = d.Target(name); err != nil {
		return nil, nil, err
	}
	if claims, err = release.ReadClaims(bundle); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return bundle, claims, nil
}

// find returns the releases of a plugin and where among them a version is or would be.
func (d *Draft) find(publisher, plugin, version string) (versions []tuf.Version, i int, found bool, err error) {
	if versions, err = d.versions(publisher, plugin); err != nil {
		return nil, 0, false, err
	}
	i, found = slices.BinarySearchFunc(versions, version, func(v tuf.Version, version string) int {
		return index.CompareVersions(v.Version, version)
	})
	return versions, i, found, nil
}

// versions returns the releases of a plugin, which are read when they are needed first.
func (d *Draft) versions(publisher, plugin string) ([]tuf.Version, error) {
	path := publisher + "/" + plugin
	if versions, ok := d.plugins[path]; ok || d.view == nil {
		return versions, nil
	}
	versions, err := d.view.Versions(context.Background(), publisher, plugin)
	if err != nil && !errors.Is(err, tuf.ErrNotFound) {
		return nil, err
	}
	d.plugins[path] = versions
	return versions, nil
}

func (d *Draft) setVersions(publisher, plugin string, versions []tuf.Version) {
	path := publisher + "/" + plugin
	d.plugins[path] = versions
	d.touched[path] = true
}

// Yank takes a release back, which is named as a target: it is not chosen any more, and runs on
// where it is installed. Without a reason, a yanked release is offered again.
func (d *Draft) Yank(name, reason string) error {
	does := "yanks " + named(name) + ": " + reason
	if reason == "" {
		does = "offers " + named(name) + " again"
	}
	return d.annotate(name, does, func(note *tuf.Note) {
		note.Yanked = nil
		if reason != "" {
			note.Yanked = &tuf.Yanked{Reason: reason}
		}
	})
}

// Deprecate has everyone who uses a release, which is named as a target, see a reason to leave it,
// and what to use in its place if there is something. It is still chosen. Without a reason, it is
// not deprecated any more.
func (d *Draft) Deprecate(name, reason, replacement string) error {
	does := "deprecates " + named(name) + ": " + reason
	if reason == "" {
		does = "does not deprecate " + named(name) + " any more"
	}
	return d.annotate(name, does, func(note *tuf.Note) {
		note.Deprecated = nil
		if reason != "" {
			note.Deprecated = &tuf.Deprecated{Reason: reason, Replacement: replacement}
		}
	})
}

// annotate changes what is said about a release, in its role and in the list of the plugin.
func (d *Draft) annotate(name, does string, change func(*tuf.Note)) error {
	publisher, plugin, version, ok := tuf.ParseReleaseTarget(name)
	if !ok {
		return notRelease(name)
	}
	role, signed, err := d.role(name)
	if err != nil {
		return err
	}
	versions, i, found, err := d.find(publisher, plugin, version)
	if err != nil {
		return err
	}
	file := signed.Targets[name]
	if file == nil || !found {
		return notRelease(name)
	}
	before := versions[i].Note()
	note := before
	if change(&note); note.Equal(before) {
		return nil
	}
	custom, err := note.Encode()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	file.Custom = nil
	if custom != nil {
		file.Custom = (*json.RawMessage)(&custom)
	}
	versions[i].Yanked, versions[i].Deprecated = note.Yanked, note.Deprecated
	d.setVersions(publisher, plugin, versions)
	d.changed[role] = true
	d.note("%s: %s", RoleReleases, does)
	return nil
}

func notRelease(name string) error {
	return fmt.Errorf("%s: is not a release of the index", named(name))
}

// named returns the release that a target is of as people write it.
func named(target string) string {
	if publisher, plugin, version, ok := tuf.ParseReleaseTarget(target); ok {
		return reference(publisher, plugin, version)
	}
	return target
}

// Plugins returns the plugins of the index in the order of their paths.
func (d *Draft) Plugins() ([]tuf.Plugin, error) {
	var plugins []tuf.Plugin
	if d.view != nil {
		var err error
		if plugins, err = d.view.Plugins(context.Background()); err != nil {
			return nil, err
		}
	}
	plugins = slices.DeleteFunc(plugins, func(p tuf.Plugin) bool { return d.touched[p.Path()] })
	for _, path := range slices.Sorted(maps.Keys(d.touched)) {
		publisher, plugin, _ := strings.Cut(path, "/")
		plugins = append(plugins, tuf.Describe(publisher, plugin, d.plugins[path]))
	}
	slices.SortFunc(plugins, tuf.ComparePlugins)
	return plugins, nil
}

// Releases returns the releases of the index in the order of their plugins and versions. It reads
// the lists of all plugins.
func (d *Draft) Releases() ([]Listed, error) {
	plugins, err := d.Plugins()
	if err != nil {
		return nil, err
	}
	return d.listed(plugins)
}

// writeLists puts the lists of releases and of plugins into the index that have changed.
func (d *Draft) writeLists() error {
	if len(d.touched) == 0 {
		return nil
	}
	for _, path := range slices.Sorted(maps.Keys(d.touched)) {
		publisher, plugin, _ := strings.Cut(path, "/")
		if err := writeList(d, tuf.VersionsTarget(publisher, plugin), tuf.EncodeVersions, d.plugins[path]); err != nil {
			return err
		}
	}
	plugins, err := d.Plugins()
	if err != nil {
		return err
	}
	return writeList(d, tuf.PluginsTarget, tuf.EncodePlugins, plugins)
}

func writeList[T any](d *Draft, name string, encode func([]T) ([]byte, error), listed []T) error {
	data, err := encode(listed)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	_, err = d.put(name, data)
	return err
}

// Check reads the whole index, and compares the lists of releases and of plugins with the releases
// that there are.
func (d *Draft) Check() error {
	if err := d.writeLists(); err != nil {
		return err
	}
	c := check{draft: d, releases: map[string]tuf.Note{}}
	for _, role := range d.listNames() {
		if err := c.read(role); err != nil {
			return err
		}
	}
	plugins, err := d.Plugins()
	if err != nil {
		return err
	}
	if want := len(plugins); c.lists != want {
		return fmt.Errorf("%s: has %d plugins, and there are lists of the releases of %d", tuf.PluginsTarget, want, c.lists)
	}
	for _, p := range plugins {
		if err := c.plugin(p); err != nil {
			return err
		}
	}
	if unlisted := slices.Sorted(maps.Keys(c.releases)); len(unlisted) > 0 {
		return fmt.Errorf("%s: is in no list of releases", unlisted[0])
	}
	return nil
}

// check is one call of Check.
type check struct {
	draft *Draft
	// releases are those that no list has named yet, with what is said about them.
	releases map[string]tuf.Note
	// lists is the number of lists of releases.
	lists int
}

// read notes what a role lists.
func (c *check) read(role string) error {
	l, err := c.draft.list(role)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(l.Signed.Targets)) {
		if _, _, ok := tuf.ParseVersionsTarget(name); ok {
			c.lists++
		}
		if _, _, _, ok := tuf.ParseReleaseTarget(name); !ok {
			continue
		}
		var custom []byte
		if raw := l.Signed.Targets[name].Custom; raw != nil {
			custom = *raw
		}
		if c.releases[name], err = tuf.ParseNote(custom); err != nil {
			return fmt.Errorf("%s: %s: custom: %w", role, name, err)
		}
	}
	return nil
}

// plugin compares what the lists say of a plugin with its releases.
func (c *check) plugin(p tuf.Plugin) error {
	versions, err := c.draft.versions(p.Publisher, p.Name)
	if err != nil {
		return err
	}
	if p != tuf.Describe(p.Publisher, p.Name, versions) {
		return fmt.Errorf("%s: what it says of %s is not what its releases say", tuf.PluginsTarget, p.Path())
	}
	for i := range versions {
		name := tuf.ReleaseTarget(p.Publisher, p.Name, versions[i].Version)
		note, ok := c.releases[name]
		if !ok || !note.Equal(versions[i].Note()) {
			return fmt.Errorf("%s: lists %s, which does not exist or has another note", tuf.VersionsTarget(p.Publisher, p.Name), name)
		}
		delete(c.releases, name)
	}
	return nil
}

// Location returns where the module of a release can be pulled from, or nothing.
func (d *Draft) Location(publisher, plugin, version string) (string, error) {
	versions, i, found, err := d.find(publisher, plugin, version)
	if err != nil || !found {
		return "", err
	}
	return versions[i].OCI, nil
}

// ReleasesOf returns the releases of a publisher in the order of their plugins and versions.
func (d *Draft) ReleasesOf(publisher string) ([]Listed, error) {
	plugins, err := d.Plugins()
	if err != nil {
		return nil, err
	}
	return d.listed(slices.DeleteFunc(plugins, func(p tuf.Plugin) bool { return p.Publisher != publisher }))
}

func (d *Draft) listed(plugins []tuf.Plugin) ([]Listed, error) {
	var releases []Listed
	for _, p := range plugins {
		versions, err := d.versions(p.Publisher, p.Name)
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			releases = append(releases, Listed{p.Publisher, p.Name, v})
		}
	}
	return releases, nil
}
