package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/internal/problem"
)

// printable escapes what is not a printable character other than a tab, so that text from outside
// cannot break a line, a comment or a terminal.
func printable(s string) string {
	parts := strings.Split(s, "\t")
	for i := range parts {
		parts[i] = problem.Printable(parts[i])
	}
	return strings.Join(parts, "\t")
}

// similar returns the candidates that the user may have meant, sorted.
func similar(typed string, candidates []string) []string {
	const near = 2
	var found []string
	for _, c := range candidates {
		last := c[strings.LastIndexByte(c, ' ')+1:]
		if typed != "" && (strings.HasPrefix(last, typed) || len(typed) > near && problem.Distance(typed, last) <= near) {
			found = append(found, c)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// helpHint is the end of an error about an unknown name: what the user may have meant, and whose
// help to read.
func helpHint(names []string, command string) string {
	if len(names) == 0 {
		return "; see " + command + " --help"
	}
	return "; did you mean " + strings.Join(names, " or ") + "? See " + command + " --help"
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
