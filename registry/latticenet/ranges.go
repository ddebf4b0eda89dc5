package latticenet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/registry/internal/check"
)

// maxRangeBytes bounds a range.
const maxRangeBytes = 256

const digits = "0123456789"

// CheckRange returns what is wrong with a range of versions. A range is a list of comparisons that
// must all hold, separated by commas and blanks: each is a version after >=, <=, >, <, =, ==, != or
// nothing, which means =. An empty text or * is every version. Carets, tildes, wildcards in
// versions and alternatives are not allowed.
func CheckRange(s string) error {
	if len(s) > maxRangeBytes {
		return fmt.Errorf("the range has more than %d bytes", maxRangeBytes)
	}
	if trimmed := strings.Trim(s, " "); trimmed == "" || trimmed == "*" {
		return nil
	}
	terms := strings.FieldsFunc(s, func(c rune) bool { return c == ',' || c == ' ' })
	for _, term := range terms {
		text := strings.TrimLeft(term, "<>=!")
		operator := term[:len(term)-len(text)]
		if !isVersion(text) || !slices.Contains([]string{"", "=", "==", "!=", ">=", "<=", ">", "<"}, operator) {
			return errors.New(quote(term) + " must be a version directly after one of >=, <=, >, <, =, ==, != or nothing")
		}
	}
	if len(terms) == 0 {
		return errors.New(quote(s) + " has no version")
	}
	return nil
}

// isVersion reports whether a text is a semantic version of one to three numbers, with or without a
// v in front.
func isVersion(s string) bool {
	core, build, hasBuild := strings.Cut(strings.TrimPrefix(s, "v"), "+")
	core, suffix, hasSuffix := strings.Cut(core, "-")
	numbers := strings.Split(core, ".")
	if len(numbers) > 3 || !check.ConsistsOf(core, digits+".") || slices.Contains(numbers, "") {
		return false
	}
	return (!hasSuffix || isSuffix(suffix)) && (!hasBuild || isSuffix(build))
}

// isSuffix reports whether a text can follow the numbers of a version, as a prerelease or as build
// metadata.
func isSuffix(s string) bool {
	return prereleasePattern.MatchString(s) && !slices.Contains(strings.Split(s, "."), "")
}
