package latticenet

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/latticenet/lattice-host/registry/internal/check"
)

// The grammars. That of ids is what the server and the index both accept.
var (
	idPattern         = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,78}[a-z0-9]$`)
	versionPattern    = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$`)
	suffixPattern     = regexp.MustCompile(`^[a-z0-9][a-z0-9._/-]{0,127}$`)
	methodPattern     = regexp.MustCompile(`^[a-z][a-z0-9._-]{0,48}$`)
	keyPattern        = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,48}$`)
	routePattern      = regexp.MustCompile(`^[a-z0-9][a-z0-9/_-]{0,64}$`)
	scopePattern      = regexp.MustCompile(`^[a-z][a-z0-9]*:[a-z][a-z0-9]*$`)
	platformPattern   = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9][a-z0-9_]*$`)
	digestPattern     = regexp.MustCompile(`^[0-9a-f]{64}$`)
	prereleasePattern = regexp.MustCompile(`^[0-9A-Za-z.-]+$`)
)

// Ids and versions are names of folders, on file systems of every kind.

func validID(s string) bool {
	return idPattern.MatchString(s) && !strings.Contains(s, "..") && !isDevice(s)
}

func validVersion(s string) bool {
	return versionPattern.MatchString(s) && !strings.Contains(s, "..") && !strings.HasSuffix(s, ".") && !isDevice(s)
}

// validService reports whether s is an id, a slash and a suffix.
func validService(s string) bool {
	owner, suffix, ok := strings.Cut(s, "/")
	return ok && validID(owner) && suffixPattern.MatchString(suffix)
}

// isDevice reports whether Windows takes a name for a device, whatever ending it has.
func isDevice(s string) bool {
	base, _, _ := strings.Cut(strings.ToUpper(s), ".")
	switch base = strings.TrimRight(base, " "); base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	return len(base) == 4 && (base[:3] == "COM" || base[:3] == "LPT") && base[3] >= '0' && base[3] <= '9'
}

// isPrintable reports whether people see all of s: no control character, and none that changes the
// direction of text.
func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// The limits of paths in bundles.
const (
	maxPathBytes = 240
	maxDepth     = 16
)

// pathProblem says why a path cannot be that of a file or folder in a bundle; empty when it can.
// Paths are ASCII: equal in every normal form, and folded by every file system alike.
func pathProblem(path string) string {
	switch {
	case path == "":
		return "the path is empty"
	case len(path) > maxPathBytes:
		return "the path has more than 240 bytes"
	case path[0] == '/':
		return "the path is absolute"
	case strings.ContainsFunc(path, func(r rune) bool { return r < 0x20 || r > 0x7e || strings.ContainsRune(`\<>:"|?*`, r) }):
		return `the path must have printable ASCII characters only, and none of \<>:"|?*`
	}
	parts := strings.Split(path, "/")
	if len(parts) > maxDepth {
		return "the path is more than 16 deep"
	}
	for _, part := range parts {
		switch {
		case part == "":
			return "the path has an empty part"
		case part == "." || part == "..":
			return "the path has a part " + part
		case strings.HasSuffix(part, ".") || strings.HasSuffix(part, " "):
			return "a part of the path ends in a dot or a blank, which Windows drops"
		case isDevice(part):
			return "a part of the path is the name of a device of Windows"
		}
	}
	return ""
}

// set remembers values of one list.
type set = check.Set

func element(list string, i int) string { return check.At(list, i) }
