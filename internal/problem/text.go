package problem

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Printable escapes what is not a printable character, so that text from outside cannot break a
// line or colour a terminal.
func Printable(s string) string {
	clean := func(r rune) bool { return unicode.IsPrint(r) && r != unicode.ReplacementChar }
	if strings.IndexFunc(s, func(r rune) bool { return !clean(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if clean(r) {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
	}
	return b.String()
}

// Truncate keeps the first bytes of a text, up to so many, and marks what was cut with an ellipsis.
func Truncate(s string, bytes int) string {
	if len(s) <= bytes {
		return s
	}
	return strings.ToValidUTF8(s[:bytes], "") + "…"
}

// maxQuoted is how many characters of what was read a message repeats.
const maxQuoted = 80

// Shorten cuts text that was read for a message, and hides what may be a key.
func Shorten(s string) string {
	if mayBeKey(s) {
		return hidden
	}
	count := 0
	for i := range s {
		if count == maxQuoted {
			return s[:i] + "…"
		}
		count++
	}
	return s
}

// Quote puts text that was read in quotes for a message, see [Shorten].
func Quote(s string) string {
	if mayBeKey(s) {
		return hidden
	}
	return strconv.Quote(Shorten(s))
}

// hidden replaces what may be a key.
const hidden = "(hidden, it may be a key)"

// keyText finds runs of base64 or hexadecimal digits as long as those of a key of 32 bytes: 43 in
// base64, 64 in hexadecimal.
var keyText = regexp.MustCompile(`[A-Za-z0-9+/_-]{40,}`)

// mayBeKey reports whether a message must not repeat s: the header of a PEM file, or a run of
// base64 or hexadecimal digits of the length of a key, other than a digest with its algorithm.
func mayBeKey(s string) bool {
	if strings.Contains(s, "-----BEGIN") || strings.Contains(s, "PRIVATE KEY") {
		return true
	}
	for _, at := range keyText.FindAllStringIndex(s, -1) {
		run := s[at[0]:at[1]]
		if digest := strings.HasSuffix(s[:at[0]], "sha256:"); !digest && looksRandom(run) {
			return true
		}
	}
	return false
}

// looksRandom tells base64 and hexadecimal digits from names and paths, which have letters of one
// case and words.
func looksRandom(run string) bool {
	hasDigit := strings.ContainsAny(run, "0123456789")
	if strings.Trim(run, "0123456789abcdef") == "" || strings.Trim(run, "0123456789ABCDEF") == "" {
		return hasDigit && len(run) >= 64
	}
	return hasDigit && strings.ToLower(run) != run && strings.ToUpper(run) != run
}

// ShortDigest keeps enough of a digest to recognise it.
func ShortDigest(digest string) string {
	const kept = len("sha256:") + 12
	return digest[:min(kept, len(digest))]
}

// CompareNatural orders texts so that numbers in them count as numbers: file.yaml:9 is before
// file.yaml:10.
func CompareNatural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		i, j := digits(x), digits(y)
		if i == 0 || j == 0 {
			if d := cmp.Compare(x[0], y[0]); d != 0 {
				return d
			}
			x, y = x[1:], y[1:]
			continue
		}
		m, n := strings.TrimLeft(x[:i], "0"), strings.TrimLeft(y[:j], "0")
		if d := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n)); d != 0 {
			return d
		}
		x, y = x[i:], y[j:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

// digits returns how many digits s begins with.
func digits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }

// near is how many changes make a known name of one that was typed wrong.
const near = 2

// Nearest returns the name that s was most likely meant to be, or "".
func Nearest(s string, names []string) string {
	best, bestDistance := "", near+1
	for _, name := range names {
		if len(name)-len(s) > near || len(s)-len(name) > near {
			continue
		}
		distance := Distance(strings.ToLower(s), strings.ToLower(name))
		// A short name is near to everything.
		if distance >= len(s) {
			continue
		}
		if distance < bestDistance || distance == bestDistance && name < best {
			best, bestDistance = name, distance
		}
	}
	return best
}

// Distance is how many bytes must be added, removed or replaced to make b of a (Levenshtein).
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal, row[j+1] = row[j+1], min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
