package latticenet

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/registry/internal/check"
)

// maxRangeBytes bounds a range.
const maxRangeBytes = 256

// Range is a set of versions: those that keep to every comparison. The zero value is every version.
type Range struct{ comparisons []comparison }

type comparison struct {
	operator string
	version  version
}

// version is a semantic version of one to three numbers.
type version struct {
	numbers    [3]string
	prerelease []string
}

const digits = "0123456789"

// ParseRange reads comparisons, each a version behind >=, <=, >, <, =, ==, != or nothing, which means =. Commas and blanks
// stand between them, and all must hold. An empty text or * is every version. There are no carets, tildes, wildcards in
// versions or alternatives.
func ParseRange(s string) (Range, error) {
	if len(s) > maxRangeBytes {
		return Range{}, fmt.Errorf("the range has more than %d bytes", maxRangeBytes)
	}
	if trimmed := strings.Trim(s, " "); trimmed == "" || trimmed == "*" {
		return Range{}, nil
	}
	var r Range
	for _, term := range strings.FieldsFunc(s, func(c rune) bool { return c == ',' || c == ' ' }) {
		text := strings.TrimLeft(term, "<>=!")
		operator := term[:len(term)-len(text)]
		v, err := parseVersion(text)
		if err != nil || !slices.Contains([]string{"", "=", "==", "!=", ">=", "<=", ">", "<"}, operator) {
			return Range{}, errors.New(quote(term) + " must be a version directly behind one of >=, <=, >, <, =, ==, != or nothing")
		}
		r.comparisons = append(r.comparisons, comparison{operator, v})
	}
	if len(r.comparisons) == 0 {
		return Range{}, errors.New(quote(s) + " has no version")
	}
	return r, nil
}

// Contains reports whether a version is in the range. A version that is not a semantic one is in no range but that of
// every version.
func (r Range) Contains(s string) bool {
	if len(r.comparisons) == 0 {
		return true
	}
	v, err := parseVersion(s)
	return err == nil && !slices.ContainsFunc(r.comparisons, func(c comparison) bool { return !c.holds(v) })
}

func (c comparison) holds(v version) bool {
	d := v.compare(c.version)
	switch c.operator {
	case ">=":
		return d >= 0
	case "<=":
		return d <= 0
	case ">":
		return d > 0
	case "<":
		return d < 0
	case "!=":
		return d != 0
	default:
		return d == 0
	}
}

// parseVersion reads a version. A v in front and build metadata do not count, missing numbers are zero.
func parseVersion(s string) (version, error) {
	core, _, _ := strings.Cut(strings.TrimPrefix(s, "v"), "+")
	core, suffix, hasSuffix := strings.Cut(core, "-")
	var v version
	numbers := strings.Split(core, ".")
	if len(numbers) > len(v.numbers) || !check.ConsistsOf(core, digits+".") || slices.Contains(numbers, "") {
		return version{}, fmt.Errorf("%q is not a version of one to three numbers", s)
	}
	for i, number := range numbers {
		v.numbers[i] = strings.TrimLeft(number, "0")
	}
	if hasSuffix {
		v.prerelease = strings.Split(suffix, ".")
		if !prereleasePattern.MatchString(suffix) || slices.Contains(v.prerelease, "") {
			return version{}, fmt.Errorf("%q has a suffix that is not of letters, digits and hyphens", s)
		}
	}
	return v, nil
}

// compare orders versions as semver.org says: numbers first, then a prerelease is before its release.
func (v version) compare(w version) int {
	for i := range v.numbers {
		if d := compareNumbers(v.numbers[i], w.numbers[i]); d != 0 {
			return d
		}
	}
	switch {
	case len(v.prerelease) == 0 || len(w.prerelease) == 0:
		return cmp.Compare(len(w.prerelease), len(v.prerelease))
	default:
		return slices.CompareFunc(v.prerelease, w.prerelease, compareIdentifiers)
	}
}

// compareNumbers orders numbers of any length, without zeros in front.
func compareNumbers(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// compareIdentifiers orders the parts of a prerelease: numbers by value and before words.
func compareIdentifiers(a, b string) int {
	aNumber, bNumber := check.ConsistsOf(a, digits), check.ConsistsOf(b, digits)
	switch {
	case aNumber && bNumber:
		return compareNumbers(strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0"))
	case aNumber:
		return -1
	case bNumber:
		return 1
	default:
		return strings.Compare(a, b)
	}
}
