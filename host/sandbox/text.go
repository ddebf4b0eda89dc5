package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxShownName is how much of a name from a module or an answer an error shows, in bytes.
	maxShownName = 200
	// maxShownLine is how much of a guest's last words an error shows, in bytes.
	maxShownLine = 400

	ellipsis = "…"
)

// printable returns s as one line of at most most bytes that a terminal shows as it is: control and
// invisible characters and invalid bytes are escaped, what is too long ends in an ellipsis.
func printable[T string | []byte](s T, most int) string {
	// One byte beyond the limit is enough to know that there is more.
	text := string(s[:min(len(s), most+1)])
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		part := text[:size]
		switch {
		case r == utf8.RuneError && size == 1:
			part = `\x` + strconv.FormatUint(uint64(text[0])|0x100, 16)[1:]
		case !strconv.IsPrint(r):
			quoted := strconv.QuoteRune(r)
			part = quoted[1 : len(quoted)-1]
		}
		if b.Len()+len(part) > most {
			return cut(b.String(), most-len(ellipsis)) + ellipsis
		}
		b.WriteString(part)
		text = text[size:]
	}
	return b.String()
}

// cut returns at most most bytes of s, whole characters only.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// maxShownKeys is how many unknown keys of one answer are returned.
const maxShownKeys = 20

// shownKeys makes unknown keys of an answer fit for a terminal: each once, in order, not too many,
// not too long.
func shownKeys(keys []string) []string {
	var shown []string
	for _, k := range keys {
		k = printable(k, maxShownName)
		if len(shown) < maxShownKeys && !slices.Contains(shown, k) {
			shown = append(shown, k)
		}
	}
	return shown
}
