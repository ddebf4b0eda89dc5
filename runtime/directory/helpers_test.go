package directory_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/directory"
	"github.com/latticenet/lattice-host/runtime/executortest"
)

const set = "shop"

func clock() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func executor(t testing.TB, dir string) *directory.Executor {
	t.Helper()
	e, err := directory.New(dir, directory.Options{Clock: clock})
	check(t, err)
	return e
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// apply plans, approves and applies.
func apply(t testing.TB, e *directory.Executor, bundles ...runtime.Bundle) *runtime.Result {
	t.Helper()
	r, err := tryApply(t, e, runtime.Options{}, bundles...)
	check(t, err)
	return r
}

func tryApply(t testing.TB, e *directory.Executor, o runtime.Options, bundles ...runtime.Bundle) (*runtime.Result, error) {
	t.Helper()
	p, err := e.Plan(t.Context(), &runtime.Desired{Set: set, Bundles: bundles, Options: o})
	if err != nil {
		return nil, err
	}
	return e.Apply(t.Context(), p, runtime.Approve(p, "decision-1"), runtime.ApplyOptions{})
}

// tree returns the content of all files below a folder, links as what they lead to, and empty
// folders.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			entries, err := os.ReadDir(path)
			if err == nil && len(entries) == 0 {
				files[name] = "empty folder"
			}
			return err
		case d.Type()&fs.ModeSymlink != 0:
			files[name], err = os.Readlink(path)
			return err
		}
		data, err := os.ReadFile(path)
		files[name] = string(data)
		return err
	})
	check(t, err)
	return files
}

// objects returns a tree without what the executor keeps for itself.
func objects(files map[string]string) map[string]string {
	rest := map[string]string{}
	for name, content := range files {
		if !strings.HasPrefix(name, ".lattice") {
			rest[name] = content
		}
	}
	return rest
}

// target is the folder for the suite that all executors pass.
type target struct{ dir string }

func (f target) Executor(t *testing.T) runtime.Executor { return executor(t, f.dir) }

// path returns where an object is that the suite knows by its name.
func (f target) path(object abi.Ref) string {
	resource, _, _ := strings.Cut(object.Name, "-")
	return filepath.Join(f.dir, executortest.Namespace+"-"+resource, "1-configmap-"+executortest.Namespace+"-"+object.Name+".yaml")
}

func (f target) Objects(t *testing.T) map[abi.Ref]string {
	found := map[abi.Ref]string{}
	if _, err := os.Stat(f.dir); err != nil {
		return found
	}
	for name, content := range objects(tree(t, f.dir)) {
		var o struct {
			Metadata struct{ Name string }
			Data     map[string]string
		}
		if content == "empty folder" {
			continue
		}
		if err := yaml.Unmarshal([]byte(content), &o); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, twice := found[executortest.ConfigMap(o.Metadata.Name)]; twice {
			t.Errorf("%s: the object is a duplicate", name)
		}
		found[executortest.ConfigMap(o.Metadata.Name)] = o.Data["value"]
	}
	return found
}

func (f target) Change(t *testing.T, object abi.Ref) {
	if _, err := os.Stat(f.path(object)); err != nil {
		t.Fatal(err)
	}
	f.Place(t, object)
}

func (f target) Remove(t *testing.T, object abi.Ref) { check(t, os.Remove(f.path(object))) }

func (f target) Place(t *testing.T, object abi.Ref) {
	path := f.path(object)
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: "+object.Name+"}, data: {value: theirs}}"), 0o644))
}

func TestConformance(t *testing.T) {
	t.Parallel()
	executortest.Run(t, func(t *testing.T) executortest.Target {
		return target{filepath.Join(t.TempDir(), "folder")}
	})
}
