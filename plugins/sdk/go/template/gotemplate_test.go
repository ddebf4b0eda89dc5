package template

import (
	"strings"
	"testing"
	gotemplate "text/template"
)

// keys are the references that the tests resolve: secret ones have a key, others a text.
func goValue(name string) (Value, string) {
	switch name {
	case "secret":
		return Value{Key: "database_password"}, ""
	case "text":
		return Value{Text: "{{ plain }}{"}, ""
	}
	return Value{}, name + " is unknown"
}

// execute runs a template as External Secrets does, with values that look like templates
// themselves.
func execute(tb testing.TB, text string) string {
	tb.Helper()
	t, err := gotemplate.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		tb.Fatalf("%q: %v", text, err)
	}
	var out strings.Builder
	if err := t.Execute(&out, map[string]string{"database_password": "{{ .p }}"}); err != nil {
		tb.Fatalf("%q: %v", text, err)
	}
	return out.String()
}

func TestGo(t *testing.T) {
	for _, tc := range []struct {
		text   string
		syntax Syntax
		want   string
	}{
		{"postgres://app:${secret}@db:5432/x", Plain, "postgres://app:{{ .database_password }}@db:5432/x"},
		{"${secret}", Plain, "{{ .database_password }}"},
		{"a {{ .other }} ${secret}", Plain, `a {{"{{"}} .other }} {{ .database_password }}`},
		{`{{"{{"}}${secret}`, Plain, `{{"{{"}}"{{"{{"}}"}}{{ .database_password }}`},
		{"{${secret}}", Plain, `{{"{"}}{{ .database_password }}}`},
		{"{{{{{", Plain, `{{"{{{{{"}}`},
		{"{a} {", Plain, "{a} {"},
		{"${text}${secret}", Plain, `{{"{{"}} plain }}{{"{"}}{{ .database_password }}`},
		{"$${secret} ${secret}", Plain, "${secret} {{ .database_password }}"},
		{"$${secret}${secret}", Reverse, "{{ .database_password }}${secret}"},
		{"`}}`\r\n${secret}\r\n", Plain, "`}}`\r\n{{ .database_password }}\r\n"},
	} {
		got, problem := Go(tc.text, tc.syntax, goValue)
		if problem != "" || got != tc.want {
			t.Errorf("%q: got %q and %q, want %q", tc.text, got, problem, tc.want)
			continue
		}
		want, _ := Render(tc.text, tc.syntax, func(name string) (string, string) {
			v, problem := goValue(name)
			if v.Key != "" {
				return "{{ .p }}", problem
			}
			return v.Text, problem
		})
		if executed := execute(t, got); executed != want {
			t.Errorf("%q: executed %q, want %q", tc.text, executed, want)
		}
	}
	if _, problem := Go("a ${nope}", Plain, goValue); !strings.Contains(problem, "nope is unknown") {
		t.Errorf("problem %q", problem)
	}
	if _, problem := Go("a ${secret", Plain, goValue); !strings.Contains(problem, "is not closed") {
		t.Errorf("problem %q", problem)
	}
}

func TestSole(t *testing.T) {
	for _, tc := range []struct {
		text   string
		syntax Syntax
		name   string
		ok     bool
	}{
		{"${secret.a.b}", Plain, "secret.a.b", true},
		{" \t${ secret.a.b }\r\n", Plain, "secret.a.b", true},
		{"${a}${b}", Plain, "", false},
		{"x${a}", Plain, "", false},
		{"${a} y", Plain, "", false},
		{"$${a}", Plain, "", false},
		{"$${a}", Reverse, "a", true},
		{"${a}", Reverse, "", false},
		{"${a", Plain, "", false},
		{"", Plain, "", false},
	} {
		if name, ok := Sole(tc.text, tc.syntax); ok != tc.ok || ok && name != tc.name {
			t.Errorf("%q: got %q and %t, want %q and %t", tc.text, name, ok, tc.name, tc.ok)
		}
	}
}

func TestSplit(t *testing.T) {
	if name, field := Resource("resources.a-b.tls.crt"); name != "a-b" || field != "tls.crt" {
		t.Errorf("got %q and %q", name, field)
	}
	if name, key := Secret("secret.a.b"); name != "a" || key != "b" {
		t.Errorf("got %q and %q", name, key)
	}
	if name, _ := Secret("secretly.a"); name != "" {
		t.Errorf("got %q from what is not a reference to a secret", name)
	}
	if name, _ := Resource("secret.a.b"); name != "" {
		t.Errorf("got %q from what is not a reference to a resource", name)
	}
	if !SameName("a_b", "a-b") || SameName("a_b", "a-c") {
		t.Error("an underscore means a hyphen and nothing else")
	}
}

// FuzzGo checks that a template, once executed, is the text with its references replaced, byte for
// byte.
func FuzzGo(f *testing.F) {
	f.Add("a {{ .x }} ${k} {${k}} `}}` $${ \r\n{{/*", false)
	f.Fuzz(func(t *testing.T, text string, reverse bool) {
		want, problem := Render(text, Syntax(reverse), func(string) (string, string) { return "{{ .p }}", "" })
		got, same := Go(text, Syntax(reverse), func(string) (Value, string) { return Value{Key: "database_password"}, "" })
		if problem != same {
			t.Fatalf("%q: Render reports %q, Go %q", text, problem, same)
		}
		if problem != "" {
			return
		}
		if executed := execute(t, got); executed != want {
			t.Errorf("%q became %q, which gives %q", text, got, executed)
		}
	})
}
