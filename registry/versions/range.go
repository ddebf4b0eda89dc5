// Package versions reads ranges of versions, as they are asked for and as they are revoked.
package versions

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// MaxBytes bounds the text of a range: the lock and the index keep it.
const MaxBytes = 100

// Range is a range such as ^1.2, ~1.2, 1.x or ">=1.2, <2", in the grammar of
// github.com/Masterminds/semver.
type Range struct{ constraints, withPrereleases *semver.Constraints }

// Parse reads a range.
func Parse(text string) (Range, error) {
	var r Range
	if text == "" || len(text) > MaxBytes || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) {
		return r, malformed(text)
	}
	for _, into := range []**semver.Constraints{&r.constraints, &r.withPrereleases} {
		var err error
		if *into, err = semver.NewConstraint(text); err != nil {
			return r, malformed(text)
		}
	}
	r.withPrereleases.IncludePrerelease = true
	return r, nil
}

func malformed(text string) error {
	return fmt.Errorf(`%.100q must be a range of versions such as ^1.2, ~1.2, 1.x or ">=1.2, <2", of at most %d bytes`, text, MaxBytes)
}

// Has reports whether a version may be chosen from the range. A prerelease must be meant: the range
// has to name one.
func (r Range) Has(version string) bool {
	v, err := semver.StrictNewVersion(version)
	return err == nil && r.constraints.Check(v)
}

// Covers reports whether a warning of the range concerns a version: by its place in the order of
// versions, or because it is a prerelease of a version that is in the range. So <1.2.3 covers
// 1.2.3-rc.1 and 1.0.0-rc.1, and >=2 covers 2.0.0-rc.1, of which a range to choose from has none.
// Text that is not a version is covered.
func (r Range) Covers(version string) bool {
	v, err := semver.StrictNewVersion(version)
	if err != nil {
		return true
	}
	released := semver.New(v.Major(), v.Minor(), v.Patch(), "", "")
	return r.withPrereleases.Check(v) || v.Prerelease() != "" && r.withPrereleases.Check(released)
}

// IsPrerelease reports whether a version is one, or is not a version.
func IsPrerelease(version string) bool {
	v, err := semver.StrictNewVersion(version)
	return err != nil || v.Prerelease() != ""
}
