package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/latticenet/lattice-host/internal/problem"
)

// jsonPage is where the forms of -o json are documented, from this folder.
var jsonPage = filepath.Join("..", "..", "docs", "json.md")

// form is what a documented value looks like: a scalar, another form by its name, an object or a
// list.
type form struct {
	// scalar is text, number, bool, any or object, or the name of a form between asterisks.
	scalar   string
	optional bool
	fields   map[string]*form
	item     *form
}

var (
	headings  = regexp.MustCompile("^### (.*)$")
	names     = regexp.MustCompile("`([^`]+)`|\\*([^*]+)\\*")
	tableRows = regexp.MustCompile("^\\| `([^`]+)` \\| ([^|]+) \\| [^|]*\\|$")
	segments  = regexp.MustCompile(`^([A-Za-z]+)(\[\])?(\?)?$`)
)

// readForms reads the page: what follows "### `command`" and "### *form*", by name.
func readForms(page string) (map[string]*form, error) {
	forms := map[string]*form{}
	var current []*form
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		if m := headings.FindStringSubmatch(line); m != nil {
			current = nil
			for _, name := range names.FindAllStringSubmatch(m[1], -1) {
				f := &form{fields: map[string]*form{}}
				forms[name[1]+name[2]] = f
				current = append(current, f)
			}
			continue
		}
		m := tableRows.FindStringSubmatch(line)
		if m == nil || len(current) == 0 {
			continue
		}
		for _, f := range current {
			if err := f.add(m[1], m[2]); err != nil {
				return nil, fmt.Errorf("%s: %w", line, err)
			}
		}
	}
	return forms, nil
}

// add adds a row of a table.
func (f *form) add(path, what string) error {
	for _, segment := range strings.Split(path, ".") {
		m := segments.FindStringSubmatch(segment)
		if m == nil {
			return fmt.Errorf("%q is not a field", segment)
		}
		if f.fields == nil {
			f.fields = map[string]*form{}
		}
		next := f.fields[m[1]]
		if next == nil {
			next = &form{optional: m[3] != ""}
			f.fields[m[1]] = next
		}
		if f = next; m[2] != "" {
			if f.item == nil {
				f.item = new(form)
			}
			f = f.item
		}
	}
	scalar, optional := strings.CutSuffix(what, "?")
	f.scalar, f.optional = scalar, f.optional || optional
	return nil
}

// check returns how a value differs from a form.
func (f *form) check(forms map[string]*form, value any, path string) []string {
	if name, ok := strings.CutPrefix(f.scalar, "*"); ok {
		other := forms[strings.TrimSuffix(name, "*")]
		if other == nil {
			return []string{path + ": the form " + f.scalar + " is not documented"}
		}
		f = other
	}
	if f.scalar == "any" {
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		return f.checkObject(forms, v, path)
	case []any:
		if f.item == nil {
			return []string{path + ": is a list"}
		}
		var wrong []string
		for _, item := range v {
			wrong = append(wrong, f.item.check(forms, item, path+"[]")...)
		}
		return wrong
	}
	is := map[string]string{"string": "text", "float64": "number", "bool": "bool", "<nil>": "null"}[fmt.Sprintf("%T", value)]
	if is != f.scalar {
		return []string{fmt.Sprintf("%s: is %s, and %q is documented", path, is, f.scalar)}
	}
	return nil
}

func (f *form) checkObject(forms map[string]*form, object map[string]any, path string) []string {
	if f.fields == nil {
		return []string{path + ": is an object"}
	}
	var wrong []string
	for name, value := range object {
		field := f.fields[name]
		if field == nil {
			wrong = append(wrong, path+"."+name+": is not documented")
			continue
		}
		wrong = append(wrong, field.check(forms, value, path+"."+name)...)
	}
	for name, field := range f.fields {
		if _, there := object[name]; !there && !field.optional {
			wrong = append(wrong, path+"."+name+": is documented and not there")
		}
	}
	return wrong
}

// cmdForm is "form COMMAND": what the last program printed has the form that is documented for the
// command.
func cmdForm(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: form COMMAND")
	}
	page, err := os.ReadFile(jsonPage)
	ts.Check(err)
	forms, err := readForms(string(page))
	ts.Check(err)
	var value any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &value))
	f := forms[args[0]]
	if f == nil {
		ts.Fatalf("%s is not documented in %s", args[0], jsonPage)
	}
	wrong := f.check(forms, value, "")
	slices.Sort(wrong)
	for _, w := range slices.Compact(wrong) {
		ts.Logf("%s: %s", args[0], w)
	}
	if len(wrong) > 0 {
		ts.Fatalf("%s prints something else than %s says", args[0], jsonPage)
	}
}

// TestEveryCommandReportsProblems checks that every command that fails with -o json writes its
// problems as JSON.
func TestEveryCommandReportsProblems(t *testing.T) {
	t.Parallel()
	for _, c := range everyCommand(newTestRoot()) {
		if c.HasSubCommands() {
			continue
		}
		args := strings.Fields(strings.TrimPrefix(c.CommandPath(), c.Root().Name()))
		code, stdout, stderr := invoke(t.Context(), "", append(args, "--no-such-flag", "-o", "json")...)
		var written struct{ Problems problem.List }
		if err := json.Unmarshal([]byte(stdout), &written); err != nil || len(written.Problems) != 1 {
			t.Errorf("%s: got %q: %v", c.CommandPath(), stdout, err)
			continue
		}
		p := written.Problems[0]
		if code != problem.Usage.Exit() || p.Code != problem.Usage || p.Message+"\n" != stderr {
			t.Errorf("%s: exit code %d, %+v, standard error %q", c.CommandPath(), code, p, stderr)
		}
	}
}

// TestJSONIsDocumented checks that the page has every command, and a script looks at what it says.
func TestJSONIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(jsonPage)
	if err != nil {
		t.Fatal(err)
	}
	forms, err := readForms(string(page))
	if err != nil {
		t.Fatal(err)
	}
	scripts := ""
	for _, file := range []string{"json.txtar", "import.txtar"} {
		text, err := os.ReadFile(filepath.Join("testdata", "script", file))
		if err != nil {
			t.Fatal(err)
		}
		scripts += string(text)
	}
	for _, c := range everyCommand(newTestRoot()) {
		name := strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")
		if c.HasSubCommands() {
			continue
		}
		if forms[name] == nil {
			t.Errorf("%s: docs/json.md does not have it", name)
		}
		if !strings.Contains(scripts, "\nform '"+name+"'\n") {
			t.Errorf("%s: no script compares its output with docs/json.md", name)
		}
	}
}
