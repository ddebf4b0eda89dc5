package template

import (
	"strings"
	"testing"
)

func resolve(name string) (string, string) {
	if name == "known" {
		return "VALUE", ""
	}
	return "", name + " is unknown"
}

func TestRender(t *testing.T) {
	for _, tc := range []struct {
		reason, text string
		syntax       Syntax
		want         string
		problem      string
	}{
		{"text without references is untouched", "a {{ b }} $c", Plain, "a {{ b }} $c", ""},
		{"a reference is replaced", "x ${known} y ${ known }", Plain, "x VALUE y VALUE", ""},
		{"an escape becomes a literal", "$${known} ${known}", Plain, "${known} VALUE", ""},
		{"an unknown name is a problem", "a ${nope} b", Plain, "a ", "nope is unknown"},
		{"an unclosed reference is a problem", "a ${known", Plain, "a ", "is not closed"},
		{"reverse leaves the plain spelling", "${known} $${known}", Reverse, "${known} VALUE", ""},
		{"reverse leaves an unclosed plain spelling", "${known", Reverse, "${known", ""},
		{"reverse wants its reference closed", "$${known", Reverse, "", "is not closed"},
		{"two escapes in a row", "$${a}$${b}", Plain, "${a}${b}", ""},
	} {
		got, problem := Render(tc.text, tc.syntax, resolve)
		if problem == "" != (tc.problem == "") || !strings.Contains(problem, tc.problem) {
			t.Errorf("%s: problem %q, want %q", tc.reason, problem, tc.problem)
		}
		if problem == "" && got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.reason, got, tc.want)
		}
	}
}

func TestReferences(t *testing.T) {
	var names []string
	References("${a} $${b} ${c} ${d", Plain, func(name string) { names = append(names, name) })
	if got := strings.Join(names, " "); got != "a c" {
		t.Errorf("got %q, want the names of the closed references", got)
	}
}

func FuzzRender(f *testing.F) {
	f.Add("a ${known} $${b} ${", true)
	f.Fuzz(func(t *testing.T, text string, reverse bool) {
		got, problem := Render(text, Syntax(reverse), func(string) (string, string) { return "", "" })
		if problem == "" && len(got) > len(text) {
			t.Errorf("%q became longer without any value: %q", text, got)
		}
	})
}
