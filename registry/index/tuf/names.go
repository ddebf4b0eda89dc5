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
)

// The folders of targets.
const (
	releasesFolder = "releases"
	policiesFolder = "policy-bundles"
)

// ReleaseTarget returns the name of the target of a release.
func ReleaseTarget(publisher, plugin, version string) string {
	return path.Join(releasesFolder, publisher, plugin, version+".json")
}

// ValidTarget reports whether name is in the grammar of an index:
//
//	publishers.json | revocations.json | index.json
//	policy-bundles/NAME.tar
//	releases/PUBLISHER/PLUGIN/VERSION.json
//
// with names and versions as manifests have them. No such name leaves its folder, on any file system or in any URL.
func ValidTarget(name string) bool {
	switch name {
	case PublishersTarget, RevocationsTarget, StaticTarget:
		return true
	}
	parts := strings.Split(name, "/")
	switch {
	case len(parts) == 2 && parts[0] == policiesFolder:
		policy, ok := strings.CutSuffix(parts[1], ".tar")
		return ok && abi.ValidName(policy)
	case len(parts) == 4 && parts[0] == releasesFolder:
		version, ok := strings.CutSuffix(parts[3], ".json")
		return ok && abi.ValidName(parts[1]) && abi.ValidName(parts[2]) && abi.ValidVersion(version)
	}
	return false
}

// topLevelRoles are the roles that every repository has.
var topLevelRoles = [...]string{"root", "timestamp", "snapshot", "targets"}

// validRole reports whether a delegated role may have this name: 1 to 80 lower-case letters, digits and hyphens, so that
// it is a file name anywhere, and none of a top-level role.
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
