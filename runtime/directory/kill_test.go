package directory_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/directory"
	"github.com/latticenet/lattice-host/runtime/executortest"
)

// The variables that make the test binary a process to be killed.
const (
	killedFolder = "LATTICE_TEST_KILLED_FOLDER"
	killedChange = "LATTICE_TEST_KILLED_CHANGE"
	killedAfter  = "LATTICE_TEST_KILLED_AFTER"
)

const killed = 137

// wanted are the bundles before and after a change that creates, updates, removes and leaves files.
func wantedBefore(t testing.TB) []runtime.Bundle {
	return []runtime.Bundle{
		executortest.Bundle(t, "api", "1", "a"), executortest.Bundle(t, "gone", "1", "a", "b", "c"),
		executortest.Bundle(t, "web", "1", "a", "b", "c", "d", "e"),
	}
}

func wantedAfter(t testing.TB) []runtime.Bundle {
	return []runtime.Bundle{
		executortest.Bundle(t, "api", "1", "a"), executortest.Bundle(t, "new", "1", "a", "b", "c", "d", "e", "f"),
		executortest.Bundle(t, "web", "2", "c", "d", "e", "f", "g", "h", "i"),
	}
}

// change does what the killed process is to do.
func change(t testing.TB, e *directory.Executor, name string) error {
	switch name {
	case "apply":
		_, err := tryApply(t, e, runtime.Options{}, wantedAfter(t)...)
		return err
	case "destroy":
		p, err := e.Destroy(t.Context(), set, runtime.Options{})
		if errors.Is(err, runtime.ErrNotFound) {
			return nil
		}
		check(t, err)
		_, err = e.Apply(t.Context(), p, runtime.Approve(p, "decision-1"), runtime.ApplyOptions{})
		return err
	}
	return errors.New("there is no change " + name)
}

// TestKilledProcess is the process that is killed, when it is told so.
func TestKilledProcess(t *testing.T) {
	dir, ok := os.LookupEnv(killedFolder)
	if !ok {
		return
	}
	left, err := strconv.Atoi(os.Getenv(killedAfter))
	check(t, err)
	e := executor(t, dir)
	e.SetBefore(func() error {
		if left == 0 {
			os.Exit(killed)
		}
		left--
		return nil
	})
	check(t, change(t, e, os.Getenv(killedChange)))
}

// runKilled runs a change in a process that ends after some operations, and reports whether it did.
func runKilled(t *testing.T, dir, change string, after int) bool {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledProcess$")
	c.Env = append(os.Environ(), killedFolder+"="+dir, killedChange+"="+change, killedAfter+"="+strconv.Itoa(after))
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false
	case errors.As(err, &exit) && exit.ExitCode() == killed:
		return true
	}
	t.Fatalf("%v\n%s", err, out)
	return false
}

// operations returns how many operations a change of a folder has.
func operations(t *testing.T, dir, name string) int {
	t.Helper()
	e := executor(t, dir)
	n := 0
	e.SetBefore(func() error { n++; return nil })
	check(t, change(t, e, name))
	return n
}

// TestKill kills a process before each operation that changes the folder, and another one while it
// recovers.
func TestKill(t *testing.T) {
	t.Parallel()
	for name, least := range map[string]int{"apply": 100, "destroy": 25} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &killing{change: name, from: before(t)}
			n := operations(t, k.copy(t), name)
			if n < least {
				t.Errorf("there are %d operations to be killed at, want %d at least", n, least)
			}
			k.old = tree(t, k.from)
			whole := k.copy(t)
			check(t, change(t, executor(t, whole), name))
			k.want = comparable(tree(t, whole))
			if runKilled(t, k.copy(t), name, n) {
				t.Errorf("a process is killed after all %d operations", n)
			}
			for after := range n {
				t.Run(strconv.Itoa(after), func(t *testing.T) {
					t.Parallel()
					k.at(t, after)
				})
			}
		})
	}
}

// foreignFile is a file that the executor did not write, in a folder that it removes all its files
// from.
const foreignFile = "media-gone/README"

func before(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	apply(t, executor(t, dir), wantedBefore(t)...)
	check(t, os.WriteFile(filepath.Join(dir, foreignFile), []byte("mine"), 0o644))
	return dir
}

// killing is a change that is killed.
type killing struct {
	change, from string
	old, want    map[string]string
}

func (k *killing) copy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	check(t, os.CopyFS(dir, os.DirFS(k.from)))
	return dir
}

var planDigest = regexp.MustCompile(`"plan":"[^"]*"`)

// comparable takes from a tree what depends on the path of the folder.
func comparable(files map[string]string) map[string]string {
	for name, content := range files {
		files[name] = planDigest.ReplaceAllString(content, `"plan":""`)
	}
	return files
}

func (k *killing) at(t *testing.T, after int) {
	dir := k.copy(t)
	if !runKilled(t, dir, k.change, after) {
		t.Error("the process was not killed")
	}
	for file, content := range objects(tree(t, dir)) {
		if content != k.old[file] && content != k.want[file] && content != "empty folder" {
			t.Errorf("%s is neither old nor new: %q", file, content)
		}
	}
	// Every third time the recovery is killed too, somewhere.
	if after%3 == 0 {
		runKilled(t, dir, k.change, after%7)
	}
	_, err := executor(t, dir).Observe(t.Context(), set)
	check(t, err)
	found := objects(tree(t, dir))
	if cmp.Diff(objects(k.old), found) != "" && cmp.Diff(objects(k.want), found) != "" {
		t.Errorf("the recovered folder is neither old nor new:\n%s", cmp.Diff(objects(k.want), found))
	}
	check(t, change(t, executor(t, dir), k.change))
	if diff := cmp.Diff(k.want, comparable(tree(t, dir))); diff != "" {
		t.Errorf("applied again, the folder is not as it should be: -want +got\n%s", diff)
	}
}
