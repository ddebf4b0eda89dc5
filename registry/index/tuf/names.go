package tuf

import (
	"path"
	"strings"

	"github.com/latticenet/lattice-host/abi"
)

// The targets of an index that are not releases.
const (
	// PublishersTarget says which publishers there are, and their keys.
	PublishersTarget = "publishers.json"
	// RevocationsTarget says what must not run any more.
	RevocationsTarget = "revocations.json"
	// StaticTarget is the document lattice.plugin.index.v1.
	StaticTarget = "index.json"
	// PluginsTarget lists the plugins.
	PluginsTarget = "plugins.json"
)

// The folders of targets.
const (
	releasesFolder = "releases"
	pluginsFolder  = "plugins"
	policiesFolder = "policy-bundles"
)

// ReleaseTarget returns the name of the target of a release.
func ReleaseTarget(publisher, plugin, version string) string {
	return path.Join(releasesFolder, publisher, plugin, version+".json")
}

// VersionsTarget returns the name of the target that lists the releases of a plugin.
func VersionsTarget(publisher, plugin string) string {
	return path.Join(pluginsFolder, publisher, plugin+".json")
}

// ParseReleaseTarget returns what [ReleaseTarget] made a name of.
func ParseReleaseTarget(name string) (publisher, plugin, version string, ok bool) {
	parts := strings.Split(name, "/")
	if len(parts) != 4 || parts[0] != releasesFolder {
		return "", "", "", false
	}
	version, ok = strings.CutSuffix(parts[3], ".json")
	ok = ok && abi.ValidName(parts[1]) && abi.ValidName(parts[2]) && abi.ValidVersion(version)
	return parts[1], parts[2], version, ok
}

// ParseVersionsTarget returns what [VersionsTarget] made a name of.
func ParseVersionsTarget(name string) (publisher, plugin string, ok bool) {
	parts := strings.Split(name, "/")
	if len(parts) != 3 || parts[0] != pluginsFolder {
		return "", "", false
	}
	plugin, ok = strings.CutSuffix(parts[2], ".json")
	return parts[1], plugin, ok && abi.ValidName(parts[1]) && abi.ValidName(plugin)
}

// ReleasePatterns returns the patterns of the targets that say which releases there are. Keys that
// are online sign these, and no others.
func ReleasePatterns() []string {
	return []string{releasesFolder + "/*/*/*", pluginsFolder + "/*/*", PluginsTarget, StaticTarget}
}

// AboutReleases reports whether a name is one of those that [ReleasePatterns] means.
func AboutReleases(name string) bool {
	_, _, _, release := ParseReleaseTarget(name)
	_, _, versions := ParseVersionsTarget(name)
	return release || versions || name == PluginsTarget || name == StaticTarget
}

// PolicyTarget returns the name of the target of a bundle of policies.
func PolicyTarget(name string) string { return path.Join(policiesFolder, name+".tar") }

// ValidTarget reports whether name is in the grammar of an index:
//
//	publishers.json | revocations.json | index.json | plugins.json
//	policy-bundles/NAME.tar
//	plugins/PUBLISHER/PLUGIN.json
//	releases/PUBLISHER/PLUGIN/VERSION.json
//
// with names and versions as manifests have them. No such name leaves its folder, on any file
// system or in any URL.
func ValidTarget(name string) bool {
	switch name {
	case PublishersTarget, RevocationsTarget:
		return true
	}
	folder, file, _ := strings.Cut(name, "/")
	policy, ok := strings.CutSuffix(file, ".tar")
	return AboutReleases(name) || folder == policiesFolder && ok && abi.ValidName(policy)
}

// topLevelRoles are the roles that every repository has.
var topLevelRoles = [...]string{"root", "timestamp", "snapshot", "targets"}

// validRole reports whether a delegated role may have this name: 1 to 80 lower-case letters, digits
// and hyphens, so that it is a file name anywhere, and none of a top-level role.
func validRole(name string) bool {
	if name == "" || len(name) > 80 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return false
	}
	for _, top := range topLevelRoles {
		if name == top {
			return false
		}
	}
	return true
}
