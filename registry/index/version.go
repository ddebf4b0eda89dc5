package index

import (
	"strings"

	"golang.org/x/mod/semver"
)

// CompareVersions orders semantic versions, and those that differ in build metadata only by that,
// so that one of several releases is always the highest.
func CompareVersions(a, b string) int {
	if d := semver.Compare("v"+a, "v"+b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}
