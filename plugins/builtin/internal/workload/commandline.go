package workload

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/plugins/sdk/go/ascii"
	"github.com/latticenet/lattice-host/plugins/sdk/go/template"
)

// place says who reads a text, and so what may be in it.
type place bool

const (
	// started is the command line of a container, in which the kubelet replaces $(NAME) by a
	// variable.
	started place = true
	// probed is what a probe or a lifecycle does, in which it does not.
	probed place = false
)

// commandLine renders the references in a command line.
func (b *Builder) commandLine(c *container, field string, line []string, in place) []string {
	var out []string
	for i, text := range line {
		at := field + "." + strconv.Itoa(i)
		rendered := b.line(c, at, text, in)
		b.warnVariables(c, at, text, in)
		if rendered != text && out == nil {
			out = append(make([]string, 0, len(line)), line...)
		}
		if out != nil {
			out[i] = rendered
		}
	}
	if out == nil {
		return line
	}
	return out
}

// Line renders the references in a text that a pod's own means do not reach, such as a command of
// somebody else's.
func (b *Builder) Line(field, text string) string { return b.line(nil, field, text, probed) }

// line renders the references in one text of a command line, a probe or a lifecycle. There, ${NAME}
// is mostly a shell's, so that only what begins like a reference to the document or the platform is
// one.
func (b *Builder) line(c *container, field, text string, in place) string {
	if !strings.Contains(text, "${") {
		return text
	}
	var out strings.Builder
	for {
		at := strings.Index(text, "${")
		if at < 0 {
			out.WriteString(text)
			return out.String()
		}
		end := strings.IndexByte(text[at:], '}')
		if end < 0 || !isReference(text[at+2:at+end]) {
			out.WriteString(text[:at+2])
			text = text[at+2:]
			continue
		}
		reference := ascii.Trim(text[at+2:at+end], ' ')
		if at > 0 && text[at-1] == '$' {
			// $${ writes a literal ${.
			out.WriteString(text[:at-1])
			out.WriteString(text[at : at+end+1])
		} else {
			out.WriteString(text[:at])
			out.WriteString(b.inLine(c, field, reference, in))
		}
		text = text[at+end+1:]
	}
}

// isReference reports whether what is in ${} begins like a reference. A shell's variable has no
// dot.
func isReference(s string) bool {
	space, rest, found := strings.Cut(ascii.Trim(s, ' '), ".")
	if !found || rest == "" {
		return false
	}
	switch space {
	case "metadata", "cluster", "env", "config", "resources", "secret", "pod", "node":
		return true
	}
	return false
}

// inLine returns the value of a reference in a command line. All who may look at pods can read it
// there, so that a secret has to go through a variable.
func (b *Builder) inLine(c *container, field, reference string, in place) string {
	if b.isRunning(reference) && in == started {
		return b.runningIn(c, field, reference)
	}
	if b.refersToSecret("${"+reference+"}", template.Plain) {
		remedy := "put it into a variable and write $(NAME) here"
		if in == probed {
			remedy = "put it into a variable and have a shell read it"
		}
		b.resp.Error(field, "${"+reference+"} is a secret, and what is written here can be read by all who may look at pods; "+remedy)
		return ""
	}
	value, sensitive, problem := b.resolve(reference)
	if problem != "" {
		b.resp.Error(field, problem)
	}
	if sensitive {
		b.resp.Error(field, "${"+reference+"} carries a password, and what is written here can be read by all who may look at pods; "+
			"put it into a variable")
	}
	if in == started {
		// The kubelet takes $$( for a literal $(.
		value = escapeParentheses(value)
	}
	return value
}

// warnVariables warns about $(NAME) that nothing replaces: in a command line, of a variable that
// the container does not have, and everywhere else. Names in lower case are commands of a shell.
func (b *Builder) warnVariables(c *container, field, text string, in place) {
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "$(")
		if !found {
			return
		}
		rest = after
		name, _, closed := strings.Cut(after, ")")
		if !closed || strings.HasSuffix(before, "$") || !isVariableName(name) {
			continue
		}
		switch {
		case in == probed:
			b.resp.Warn(field, "$("+name+") stays as it is, because nothing replaces it here; have a shell read the variable")
		case len(c.EnvFrom) == 0 && c.Variables.Get(name) == nil && (c.sidecar || !slices.Contains(b.provided, name)):
			b.resp.Warn(field, "$("+name+") stays as it is, because the container has no variable "+name+"; add it under variables")
		}
	}
}

func isVariableName(s string) bool {
	for i := range len(s) {
		letter, digit := s[i] >= 'A' && s[i] <= 'Z' || s[i] == '_', s[i] >= '0' && s[i] <= '9'
		if !letter && (i == 0 || !digit) {
			return false
		}
	}
	return s != ""
}
