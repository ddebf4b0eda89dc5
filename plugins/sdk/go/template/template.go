// Package template reads the ${…} references in variables and files.
package template

import (
	"strings"

	"github.com/latticenet/lattice-host/plugins/sdk/go/ascii"
)

// Syntax says which spelling is a reference.
type Syntax bool

const (
	// Plain expands ${name} and turns $${ into a literal ${.
	Plain Syntax = false
	// Reverse expands $${name} and leaves ${ as it is, for files that use ${…} themselves.
	Reverse Syntax = true
)

// Render replaces every reference in text by what resolve returns for its name. The first problem,
// of resolve or an unclosed reference, ends it.
func Render(text string, syntax Syntax, resolve func(name string) (value, problem string)) (rendered, problem string) {
	if !strings.Contains(text, "${") {
		return text, ""
	}
	out := make([]byte, 0, len(text)+32)
	problem = scan(text, syntax, func(literal string) { out = append(out, literal...) }, func(name string) string {
		value, problem := resolve(name)
		out = append(out, value...)
		return problem
	})
	return string(out), problem
}

// References calls visit with the name of every reference in text. An unclosed reference is
// skipped.
func References(text string, syntax Syntax, visit func(name string)) {
	scan(text, syntax, func(string) {}, func(name string) string { visit(name); return "" })
}

// Sole returns the name of the reference that is all of a text, except blanks and line breaks
// around it. ok is false for every other text.
func Sole(text string, syntax Syntax) (name string, ok bool) {
	count := 0
	problem := scan(trim(text), syntax, func(literal string) {
		if literal != "" {
			count = 2
		}
	}, func(reference string) string {
		name = reference
		count++
		return ""
	})
	return name, problem == "" && count == 1
}

func trim(s string) string {
	for s != "" && blank(s[0]) {
		s = s[1:]
	}
	for s != "" && blank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// Resource splits a reference of the form resources.<name>.<field>. name is empty for every other
// reference. The field may have dots.
func Resource(reference string) (name, field string) { return split(reference, "resources.") }

// Secret splits a reference of the form secret.<name>.<key>. name is empty for every other
// reference. The key may have dots.
func Secret(reference string) (name, key string) { return split(reference, "secret.") }

func split(reference, space string) (name, field string) {
	rest, ok := strings.CutPrefix(reference, space)
	if !ok {
		return "", ""
	}
	name, field, _ = strings.Cut(rest, ".")
	return name, field
}

// SameName compares a name in a reference with that of a resource; a reference may have underscores
// where the resource has hyphens.
func SameName(reference, resource string) bool {
	return ascii.Swap(reference, '-', '_') == ascii.Swap(resource, '-', '_')
}

// scan calls literal with the text between references, in pieces, and reference with the name of
// each.
func scan(text string, syntax Syntax, literal func(string), reference func(name string) (problem string)) string {
	for {
		at := strings.Index(text, "${")
		if at < 0 {
			literal(text)
			return ""
		}
		doubled := at > 0 && text[at-1] == '$'
		if doubled != bool(syntax) {
			// An escape loses its first dollar sign in plain syntax; in reverse syntax a lone ${ is
			// ordinary text.
			keep := at
			if doubled {
				keep--
			}
			literal(text[:keep])
			literal("${")
			text = text[at+2:]
			continue
		}
		if doubled {
			literal(text[:at-1])
		} else {
			literal(text[:at])
		}
		end := strings.IndexByte(text[at:], '}')
		if end < 0 {
			return "the reference " + excerpt(text[at:]) + " is not closed; end it with } or write $${ for a literal ${"
		}
		if problem := reference(ascii.Trim(text[at+2:at+end], ' ')); problem != "" {
			return problem
		}
		text = text[at+end+1:]
	}
}

func excerpt(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
