package resource

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// ErrInvalid is what every error of this package is: the input is at fault, not the program.
var ErrInvalid = errors.New("invalid input")

// Problem is one thing that is wrong with the input. It satisfies errors.Is(p, ErrInvalid).
type Problem struct {
	// Position is where to look; the zero value for documents that were derived.
	Position
	// Object is the kind, namespace and name of the document, such as "LatticeService media/jellyfin".
	Object string
	// Field is the path of the field, with dots, such as spec.workload.containers.main.image.
	Field string
	// Message says what is wrong and what to do.
	Message string
}

// Error returns one line: file:line:column: object: field: message. Parts that are unknown are left out, and
// characters that would disturb a terminal are escaped.
func (p Problem) Error() string {
	var b strings.Builder
	for _, part := range []string{p.String(), p.Object, p.Field, p.Message} {
		if part == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(printable(part))
	}
	return b.String()
}

// Is makes a Problem match [ErrInvalid].
func (p Problem) Is(target error) bool { return target == ErrInvalid }

func (p Problem) compare(q Problem) int {
	return cmp.Or(
		p.Position.compare(q.Position),
		cmp.Compare(p.Field, q.Field),
		cmp.Compare(p.Message, q.Message),
		cmp.Compare(p.Object, q.Object),
	)
}

// Problems is the error of this package: one or more problems, sorted by place, each once.
type Problems []Problem

// Error returns the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Is makes Problems match [ErrInvalid].
func (ps Problems) Is(target error) bool { return target == ErrInvalid }

// asError returns the problems sorted and each once, or nil when there are none.
func (ps Problems) asError() error {
	if len(ps) == 0 {
		return nil
	}
	sorted := slices.Clone(ps)
	slices.SortFunc(sorted, Problem.compare)
	return slices.Compact(sorted)
}

// maxProblems is how many problems of one document are kept; a hostile document could have one for every value.
const maxProblems = 1000

// collector gathers the problems of one document.
type collector struct {
	problems Problems
	// broken are the fields that could not be decoded, and around those that hold one.
	broken, around map[string]bool
}

func newCollector() *collector {
	return &collector{broken: map[string]bool{}, around: map[string]bool{}}
}

func (c *collector) add(p Problem) {
	switch n := len(c.problems); {
	case n < maxProblems:
		c.problems = append(c.problems, p)
	case n == maxProblems:
		last := Problem{Position: Position{File: p.File}, Object: p.Object}
		last.Message = "there are more problems than the " + strconv.Itoa(maxProblems) + " that are shown; correct these first"
		c.problems = append(c.problems, last)
	}
}

// broke remembers that a field could not be decoded, so that what follows from it is not reported too.
func (c *collector) broke(field string) {
	c.broken[field] = true
	for at := parentOf(field); at != "" && !c.around[at]; at = parentOf(at) {
		c.around[at] = true
	}
}

// unreadable reports whether a field, or a part of the document around it, could not be decoded.
func (c *collector) unreadable(field string) bool {
	for at := field; at != ""; at = parentOf(at) {
		if c.broken[at] {
			return true
		}
	}
	return false
}

func parentOf(field string) string { return field[:max(strings.LastIndexByte(field, '.'), 0)] }

// printable escapes what is not a printable character, so that a name from a file cannot break a line or colour a
// terminal.
func printable(s string) string {
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

// maxQuoted is how many characters of a user's text a message repeats.
const maxQuoted = 80

// shorten cuts long text for a message.
func shorten(s string) string {
	count := 0
	for i := range s {
		if count == maxQuoted {
			return s[:i] + "…"
		}
		count++
	}
	return s
}

// quote puts s in quotes for a message, shortened.
func quote(s string) string { return strconv.Quote(shorten(s)) }
