// Package checks holds no code: its scripts are what make check, make night and .ci/run need, and
// its tests run them.
package checks

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shell runs a script of this repository in a folder, and returns what it says and whether it
// succeeds.
func shell(t *testing.T, dir, stdin, script string, args ...string) (out string, ok bool) {
	t.Helper()
	name, err := filepath.Abs(script)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "sh", append([]string{name}, args...)...)
	c.Dir, c.Stdin = dir, strings.NewReader(stdin)
	said, err := c.CombinedOutput()
	return string(said), err == nil
}

// repository is a git repository for a test.
type repository struct {
	t   *testing.T
	dir string
}

func newRepository(t *testing.T) repository {
	r := repository{t, t.TempDir()}
	r.git("init", "--quiet", "--initial-branch", "main")
	return r
}

func (r repository) git(args ...string) {
	r.t.Helper()
	identity := []string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}
	c := exec.CommandContext(r.t.Context(), "git", append(identity, args...)...)
	c.Dir = r.dir
	if said, err := c.CombinedOutput(); err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, said)
	}
}

func (r repository) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r repository) commit(name, text string) {
	r.t.Helper()
	r.write(name, text)
	r.git("add", "--all")
	r.git("commit", "--quiet", "--message", "x")
}

func TestWords(t *testing.T) {
	t.Parallel()
	words, err := filepath.Abs("words.txt")
	if err != nil {
		t.Fatal(err)
	}
	const behind = "a.go:3: \"behind\": write after\n"
	tests := map[string]struct {
		reason  string
		name    string
		text    string
		allowed string
		want    string
	}{
		"Line":       {"A match has the right line.", "a.go", "// One.\n// Two.\n// Behind it.\n", "", behind},
		"TwoWords":   {"Several words in a line.", "a.go", "// is none anew\n", "", "a.go:1: \"anew\": write again\na.go:1: \"is none\": write is not, must be, not found\n"},
		"PartOfWord": {"Only whole words count.", "a.go", "// understands behindhand renewed is nonexistent\n", "", ""},
		"Format":     {"A message.", "a.go", "x(\"%q is no duration\")\n", "", "a.go:1: \"%q is no duration\": write %q is not a ...; say what to write\n"},
		"Colons":     {"A line with colons and tabs.", "sub/a.md", "a: b:\tnobody's: c\n", "", "sub/a.md:1: \"nobody's\": write no one, unowned\n"},
		"Golden":     {"Messages in test data count.", "testdata/a.txtar", "stderr 'anew'\n", "", "testdata/a.txtar:1: \"anew\": write again\n"},
		"Generated":  {"Generated code is not looked at.", "x_gen.go", "anew\n", "", ""},
		"Lists":      {"Nor is the folder with the words.", "wasm-tests/checks/words.txt", "anew\tagain\n", "", ""},
		"Allowed":    {"A place can be allowed.", "a.go", "// a\n// b\n// Behind it.\n", "# Why.\na.go\tBehind it\n", ""},
		"Elsewhere":  {"Another place is not.", "a.go", "// a\n// b\n// Behind it.\n", "b.go\tBehind it\n", behind + "ALLOWED: b.go: nothing needs \"Behind it\" any more, remove the line\n"},
		"Besides":    {"Nor is another word of the line.", "a.go", "// a\n// b\n// anew, behind it\n", "a.go\tanew\n", behind},
		"Stale":      {"An allowance that nothing needs is an error.", "a.go", "// Good.\n", "a.go\tanew\n", "ALLOWED: a.go: nothing needs \"anew\" any more, remove the line\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "allowed")
			if err := os.WriteFile(file, []byte(tc.allowed), 0o600); err != nil {
				t.Fatal(err)
			}
			r := newRepository(t)
			r.commit("first.go", "package a\n")
			check := func(state string) {
				out, ok := shell(t, r.dir, "", "words.sh", words, file)
				if out = strings.ReplaceAll(out, file, "ALLOWED"); out != tc.want || ok != (tc.want == "") {
					t.Errorf("%s, %s\ngot %q, ok %v\nwant %q", tc.reason, state, out, ok, tc.want)
				}
			}
			r.write(tc.name, tc.text)
			check("not tracked")
			r.commit(tc.name, tc.text)
			r.commit("second.go", "package a\n")
			check("from an earlier commit")
		})
	}
}

// TestWordsWithoutLists checks that words.sh does not succeed because a list is missing or empty.
func TestWordsWithoutLists(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.commit("a.go", "package a\n")
	r.write("empty", "# no words\n")
	for _, lists := range [][]string{{"nowhere", "empty"}, {"empty", "empty"}, {"a.go", "nowhere"}} {
		if out, ok := shell(t, r.dir, "", "words.sh", lists...); ok {
			t.Errorf("with %v it succeeds: %q", lists, out)
		}
	}
}

func TestDeadcode(t *testing.T) {
	t.Parallel()
	const found = "a/b.go:3:6: unreachable func: F\na/c.go:7:12: unreachable func: T.m\n"
	tests := map[string]struct {
		exceptions, found, want string
	}{
		"None":      {"# a comment\n\n", "", ""},
		"Known":     {"a/b.go F somebody\na/c.go * somebody else\n", found, ""},
		"New":       {"a/b.go F somebody\n", found, "a/c.go:7:12: unreachable func: T.m (delete it, or give a reason in EXCEPTIONS)\n"},
		"OtherFile": {"a/x.go F y\n", "a/b.go:3:6: unreachable func: F\n", "a/b.go:3:6: unreachable func: F (delete it, or give a reason in EXCEPTIONS)\nEXCEPTIONS: a/x.go F: nothing needs the exception, remove it\n"},
		"Stale":     {"a/b.go F y\na/c.go T.m y\n", "a/c.go:7:12: unreachable func: T.m\n", "EXCEPTIONS: a/b.go F: nothing needs the exception, remove it\n"},
		"NoReason":  {"a/b.go F\n", "a/b.go:3:6: unreachable func: F\n", "EXCEPTIONS: a/b.go F: give a file, a function or *, and the reason\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "exceptions")
			if err := os.WriteFile(file, []byte(tc.exceptions), 0o600); err != nil {
				t.Fatal(err)
			}
			out, ok := shell(t, ".", tc.found, "deadcode.sh", file)
			if out = strings.ReplaceAll(out, file, "EXCEPTIONS"); out != tc.want || ok != (tc.want == "") {
				t.Errorf("got %q, ok %v\nwant %q", out, ok, tc.want)
			}
		})
	}
	if out, ok := shell(t, ".", "", "deadcode.sh", "nowhere"); ok {
		t.Errorf("without exceptions it succeeds: %q", out)
	}
}

// TestNight runs the night with a make that fails in a step: the others run, and the summary has
// all.
func TestNight(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const script = "#!/bin/sh\necho ran make \"$@\"\n[ \"$1\" != \"$FAILS\" ]\n"
	if err := os.WriteFile(filepath.Join(dir, "make"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	for fails, want := range map[string]string{"": "19 passed, 0 failed", "kills": "18 passed, 1 failed"} {
		c := exec.CommandContext(t.Context(), "sh", "night.sh")
		c.Env = append(os.Environ(), "FAILS="+fails, "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
		said, err := c.CombinedOutput()
		lines := strings.Split(strings.TrimSpace(string(said)), "\n")
		if last := lines[len(lines)-1]; last != want || (err == nil) != (fails == "") {
			t.Errorf("got %q, %v, want %q\n%s", last, err, want, said)
		}
		if fails != "" && !strings.Contains(string(said), "FAILED") {
			t.Errorf("the summary does not name what failed:\n%s", said)
		}
		for _, step := range []string{"make test", "make kills", "make bench", "make property", "make offline", "make race RACED=./...", "make fuzz FUZZIN=plugins FUZZTIME=2m"} {
			if !strings.Contains(string(said), "ran "+step+"\n") {
				t.Errorf("it does not run %s", step)
			}
		}
	}
}

// TestOnlyKillLoopsAreShort: what -short makes shorter, make kills runs in full in CI, and that
// runs the tests with Kill in their name.
func TestOnlyKillLoopsAreShort(t *testing.T) {
	t.Parallel()
	found := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "build" || d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !callsShort(f) {
				continue
			}
			found++
			if !strings.Contains(f.Name.Name, "Kill") && !calledByKills(file, f.Name.Name) {
				t.Errorf("%s: %s has a short form, but make kills does not run it in full", path, f.Name.Name)
			}
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Fatalf("%d functions, %v", found, err)
	}
}

// callsShort reports whether a function calls testing.Short.
func callsShort(f *ast.FuncDecl) bool {
	return uses(f, func(e ast.Expr) bool {
		s, ok := e.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		x, ok := s.X.(*ast.Ident)
		return ok && x.Name == "testing" && s.Sel.Name == "Short"
	})
}

// calledByKills reports whether every function of a file that calls one of this name kills, and
// there is one.
func calledByKills(file *ast.File, name string) bool {
	callers := 0
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || !uses(f, func(e ast.Expr) bool { id, ok := e.(*ast.Ident); return ok && id.Name == name }) {
			continue
		}
		if !strings.Contains(f.Name.Name, "Kill") {
			return false
		}
		callers++
	}
	return callers > 0
}

// uses reports whether a function calls what is.
func uses(f *ast.FuncDecl, is func(ast.Expr) bool) bool {
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && is(call.Fun) {
			found = true
		}
		return !found
	})
	return found
}
