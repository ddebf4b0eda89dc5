package fuzztargets

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// clone is a git repository for a test.
type clone struct {
	t   *testing.T
	dir string
}

func (c clone) git(args ...string) {
	c.t.Helper()
	identity := []string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}
	cmd := exec.CommandContext(c.t.Context(), "git", append(identity, args...)...)
	cmd.Dir = c.dir
	if said, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("git %v: %v\n%s", args, err, said)
	}
}

// change commits another content of a file.
func (c clone) change(name string, content any) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, fmt.Append(nil, content), 0o644); err != nil {
		c.t.Fatal(err)
	}
	c.git("add", "--all")
	c.git("commit", "--quiet", "--message", "x")
}

// turn returns the targets that are chosen from p0 to p11, which have a target F each.
func (c clone) turn(n string) []string {
	c.t.Helper()
	var in strings.Builder
	for i := range 12 {
		fmt.Fprintf(&in, "p%d F\n", i)
	}
	script, err := filepath.Abs("turn.sh")
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.CommandContext(c.t.Context(), "sh", script, n)
	cmd.Dir, cmd.Stdin = c.dir, strings.NewReader(in.String())
	said, err := cmd.Output()
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(said)), "\n")
}

// TestTurn chooses fuzz targets: those of changed packages first, and each of the others within few
// commits.
func TestTurn(t *testing.T) {
	t.Parallel()
	tests := map[string]func(c clone){
		"Tag":   func(c clone) { c.git("tag", "v1"); c.git("tag", "v2") },
		"NoTag": func(c clone) { c.git("checkout", "--quiet", "-b", "work") },
	}
	for name, begin := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clone{t, t.TempDir()}
			c.git("init", "--quiet", "--initial-branch", "main")
			c.change("p3/a.go", 0)
			begin(c)
			c.change("p1/testdata/fuzz/F/1", 0)
			c.change("p7/a.go", 0)
			c.change("p2/below/a.go", 0)
			seen := map[string]bool{}
			for i := range 40 {
				c.change("README.md", i)
				got := c.turn("6")
				if len(got) != 6 {
					t.Fatalf("got %v", got)
				}
				for _, target := range got {
					seen[target] = true
				}
				if all := strings.Join(got, " "); !strings.Contains(all, "p1 F") || !strings.Contains(all, "p7 F") {
					t.Errorf("the changed packages p1 and p7 are not among %v", got)
				}
				if again := c.turn("6"); strings.Join(again, " ") != strings.Join(got, " ") {
					t.Errorf("got %v, and %v for the same commit", got, again)
				}
			}
			if len(seen) != 12 {
				t.Errorf("in 40 commits only %d targets had their turn: %v", len(seen), seen)
			}
		})
	}
}

// TestTurnOfManyChanges takes turns among changed packages too, and keeps a third for others.
func TestTurnOfManyChanges(t *testing.T) {
	t.Parallel()
	c := clone{t, t.TempDir()}
	c.git("init", "--quiet", "--initial-branch", "main")
	c.change("p11/a.go", 0)
	c.git("tag", "v1")
	for i := range 8 {
		c.change(fmt.Sprintf("p%d/a.go", i), 0)
	}
	old := 0
	for _, target := range c.turn("6") {
		if target == "p8 F" || target == "p9 F" || target == "p10 F" || target == "p11 F" {
			old++
		}
	}
	if old != 2 {
		t.Errorf("%d of 6 are of packages that did not change, want 2", old)
	}
	if got := c.turn("100"); len(got) != 12 {
		t.Errorf("of 12 targets %d are chosen: %v", len(got), got)
	}
}

// TestTurnWithoutHistory chooses as many in a clone of depth 1, and where there is no repository.
func TestTurnWithoutHistory(t *testing.T) {
	t.Parallel()
	origin := clone{t, t.TempDir()}
	origin.git("init", "--quiet", "--initial-branch", "main")
	origin.change("p1/a.go", 0)
	origin.change("p1/a.go", 1)
	shallow := clone{t, filepath.Join(t.TempDir(), "shallow")}
	origin.git("clone", "--quiet", "--depth", "1", "file://"+origin.dir, shallow.dir)
	for _, c := range []clone{shallow, {t, t.TempDir()}} {
		if got := c.turn("6"); len(got) != 6 {
			t.Errorf("got %v", got)
		}
	}
}
