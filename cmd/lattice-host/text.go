package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// printable escapes what is not a printable character, so that text from outside cannot break a line, a comment or a
// terminal.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) || r == '\t' {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
	}
	return b.String()
}

// compareNatural orders texts so that numbers in them count as numbers: file.yaml:9 is before file.yaml:10.
func compareNatural(a, b string) int {
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
func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}

// similar returns the candidates that the user may have meant, sorted.
func similar(typed string, candidates []string) []string {
	const near = 2
	var found []string
	for _, c := range candidates {
		last := c[strings.LastIndexByte(c, ' ')+1:]
		if typed != "" && (strings.HasPrefix(last, typed) || len(typed) > near && distance(typed, last) <= near) {
			found = append(found, c)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// distance is how many characters must be added, removed or replaced to make b of a.
func distance(a, b string) int {
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
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// helpHint is the end of an error about an unknown name: what the user may have meant, and whose help to read.
func helpHint(names []string, command string) string {
	if len(names) == 0 {
		return "; see " + command + " --help"
	}
	return "; did you mean " + strings.Join(names, " or ") + "? See " + command + " --help"
}

// shortDigest keeps enough of a digest to recognise it.
func shortDigest(digest string) string {
	const kept = len("sha256:") + 12
	return digest[:min(kept, len(digest))]
}

// mebibytes writes a size for people.
func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// counted writes how many of a thing there are.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
