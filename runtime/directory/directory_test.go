package directory_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/executortest"
)

func TestFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	e := executor(t, dir)
	apply(t, e, executortest.Bundle(t, "api", "1", "a"))
	p, err := e.Plan(t.Context(), &runtime.Desired{Set: set, Bundles: []runtime.Bundle{executortest.Bundle(t, "web", "2", "x")}, Keep: true})
	check(t, err)
	_, err = e.Apply(t.Context(), p, runtime.Approve(p, "decision-2", "decision-3"), runtime.ApplyOptions{})
	check(t, err)
	var got strings.Builder
	files := comparable(tree(t, dir))
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		content := files[name]
		if strings.HasPrefix(name, ".lattice/bundles/") {
			content = "a bundle"
		}
		fmt.Fprintf(&got, "-- %s --\n%s\n", name, strings.TrimSuffix(content, "\n"))
	}
	const golden = "testdata/folder.txt"
	if os.Getenv("LATTICE_UPDATE") != "" {
		check(t, os.WriteFile(golden, []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	check(t, err)
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("-want +got (LATTICE_UPDATE=1 rewrites it)\n%s", diff)
	}
}

// TestApplyAgainTouchesNothing looks at what a file system says about files, not at their content.
// TestModes lets no one else read what the executor keeps, whatever the folder was before, also
// while it is written.
func TestModes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := executor(t, dir)
	check := func() error {
		return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == dir {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			name, err := filepath.Rel(dir, path)
			own := strings.HasPrefix(name, ".lattice")
			want := map[bool]fs.FileMode{true: 0o755, false: 0o644}[d.IsDir()]
			switch {
			case own && d.IsDir():
				want = 0o700
			case own && (filepath.Dir(name) != ".lattice/staged" || filepath.Base(name) == "own"):
				want = 0o600
			}
			if got := info.Mode().Perm(); got != want {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
			return err
		})
	}
	apply(t, e, wantedBefore(t)...)
	e.SetBefore(check)
	apply(t, e, wantedAfter(t)...)
	e.SetBefore(func() error { return nil })
	// As version control makes it.
	for name, mode := range map[string]fs.FileMode{"": 0o755, "/bundles": 0o775, "/history": 0o755} {
		if err := os.Chmod(filepath.Join(dir, ".lattice"+name), mode); err != nil {
			t.Fatal(err)
		}
	}
	apply(t, e, wantedBefore(t)...)
	if err := check(); err != nil {
		t.Error(err)
	}
}

func TestApplyAgainTouchesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := executor(t, dir)
	bundles := wantedBefore(t)
	apply(t, e, bundles...)
	look := func() map[string]string {
		seen := map[string]string{}
		check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			check(t, err)
			stat, ok := info.Sys().(*syscall.Stat_t)
			if !ok {
				t.Fatal("no inode")
			}
			seen[path] = fmt.Sprint(stat.Ino, info.ModTime().UnixNano(), info.Mode(), info.Size())
			return nil
		}))
		return seen
	}
	before := look()
	e.SetBefore(func() error { t.Error("something was written"); return nil })
	slices.Reverse(bundles)
	if r := apply(t, e, bundles...); r.Revision != 1 {
		t.Errorf("got revision %d, want 1", r.Revision)
	}
	if diff := cmp.Diff(before, look()); diff != "" {
		t.Errorf("something was touched\n%s", diff)
	}
}

func TestRemovesExactlyItsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := executor(t, dir)
	apply(t, e, executortest.Bundle(t, "api", "1", "a"), executortest.Bundle(t, "web", "1", "a"), executortest.Bundle(t, "xyz", "1", "a"))
	for _, name := range []string{"README", "media-api/own.yaml", "media-xyz/own.yaml", "other/1-configmap-media-web-a.yaml"} {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		check(t, os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o644))
	}
	want := objects(tree(t, dir))
	delete(want, "media-web/1-configmap-media-web-a.yaml")
	delete(want, "media-xyz/1-configmap-media-xyz-a.yaml")
	apply(t, e, executortest.Bundle(t, "api", "1", "a"))
	if diff := cmp.Diff(want, objects(tree(t, dir))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	p, err := e.Destroy(t.Context(), set, runtime.Options{})
	check(t, err)
	_, err = e.Apply(t.Context(), p, runtime.Approve(p, "d"), runtime.ApplyOptions{})
	check(t, err)
	delete(want, "media-api/1-configmap-media-api-a.yaml")
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestLinks puts links where the executor writes.
func TestLinks(t *testing.T) {
	t.Parallel()
	one := executortest.Bundle(t, "web", "1", "a")
	const name = "media-web/1-configmap-media-web-a.yaml"
	tests := map[string]struct {
		link, to string
		says     string
	}{
		"Folder":      {"media-web", "outside", "DIR/" + name + ": ConfigMap media/web-a: is below a link, or below something that is not a folder; remove it"},
		"File":        {name, "outside/file", "DIR/" + name + ": ConfigMap media/web-a: is a link, where a file must be; remove it"},
		"Own":         {".lattice", "outside", "DIR/.lattice: is not a folder; remove it"},
		"InnerFolder": {"media-web", "DIR/inner", "DIR/" + name + ": ConfigMap media/web-a: is below a link, or below something that is not a folder; remove it"},
	}
	for at, tc := range tests {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			base := t.TempDir()
			dir := filepath.Join(base, "folder")
			for _, folder := range []string{dir, filepath.Join(base, "outside"), filepath.Join(dir, "inner"), filepath.Dir(filepath.Join(dir, tc.link))} {
				check(t, os.MkdirAll(folder, 0o755))
			}
			if tc.link == "media-web" {
				check(t, os.RemoveAll(filepath.Join(dir, tc.link)))
			}
			check(t, os.WriteFile(filepath.Join(base, "outside", "file"), []byte("mine"), 0o644))
			to := strings.Replace(filepath.Join(base, tc.to), filepath.Join(base, "DIR"), dir, 1)
			check(t, os.Symlink(to, filepath.Join(dir, tc.link)))
			before := tree(t, base)
			e := executor(t, dir)
			for _, force := range []bool{false, true} {
				_, err := tryApply(t, e, runtime.Options{Force: force}, one)
				want := strings.ReplaceAll(tc.says, "DIR", dir)
				if !errors.Is(err, runtime.ErrConflict) || err.Error() != want {
					t.Errorf("force %v: got %v, want %s", force, err, want)
				}
			}
			if diff := cmp.Diff(before, tree(t, base)); diff != "" {
				t.Errorf("something was written\n%s", diff)
			}
		})
	}
}

// TestOddThings has something that is not a file in place of one that was written, or that is
// to be written.
func TestOddThings(t *testing.T) {
	t.Parallel()
	for says, make := range map[string]func(path string) error{
		"is a folder, where a file must be": func(path string) error { return os.MkdirAll(filepath.Join(path, "x"), 0o755) },
		"is a link, where a file must be":   func(path string) error { return os.Symlink("nowhere", path) },
		"is not a regular file":             func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			e := executor(t, dir)
			b := executortest.Bundle(t, "web", "1", "a")
			apply(t, e, b)
			path := filepath.Join(dir, "media-web/1-configmap-media-web-a.yaml")
			check(t, os.Remove(path))
			check(t, make(path))
			status, err := e.Observe(t.Context(), set)
			if err != nil || status.Settled() || status.Objects[0].Presence != runtime.Modified || status.Objects[0].Message != says {
				t.Errorf("got %+v, %v, want %s", status, err, says)
			}
			for _, bundles := range [][]runtime.Bundle{{b}, {executortest.Bundle(t, "web", "2", "a")}, {executortest.Bundle(t, "api", "1", "a")}} {
				_, err := tryApply(t, e, runtime.Options{Force: true}, bundles...)
				if want := path + ": ConfigMap media/web-a: " + says + "; remove it"; !errors.Is(err, runtime.ErrConflict) || err.Error() != want {
					t.Errorf("got %v, want %s", err, want)
				}
			}
			if _, err := os.Lstat(path); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOwnFolderIsALink replaces a folder of the executor's own by a link to a folder with files of
// somebody.
func TestOwnFolderIsALink(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"staged", "history", "bundles"} {
		dir := t.TempDir()
		e := executor(t, dir)
		apply(t, e, wantedBefore(t)...)
		own := filepath.Join(dir, ".lattice", name)
		check(t, os.RemoveAll(own))
		check(t, os.MkdirAll(filepath.Join(dir, "mine"), 0o755))
		check(t, os.WriteFile(filepath.Join(dir, "mine", "0"), []byte("mine"), 0o644))
		check(t, os.Symlink("../mine", own))
		if _, err := tryApply(t, e, runtime.Options{}, wantedAfter(t)...); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: got %v, want ENOTDIR", name, err)
		}
		if data, err := os.ReadFile(filepath.Join(dir, "mine", "0")); err != nil || string(data) != "mine" {
			t.Errorf("%s: got %q, %v", name, data, err)
		}
	}
}

// TestLeftoversAreALink has no set, and a link where content is staged.
func TestLeftoversAreALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, folder := range []string{".lattice", "mine"} {
		check(t, os.Mkdir(filepath.Join(dir, folder), 0o755))
	}
	check(t, os.WriteFile(filepath.Join(dir, "mine", "0"), []byte("mine"), 0o644))
	check(t, os.Symlink("../mine", filepath.Join(dir, ".lattice", "staged")))
	before := tree(t, dir)
	if _, err := executor(t, dir).Observe(t.Context(), set); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("got %v, want ENOTDIR", err)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("something was written\n%s", diff)
	}
}

// TestFolderBecomesAFile puts a file in place of a folder whose files are to be removed, while
// that is interrupted.
func TestFolderBecomesAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := executor(t, dir)
	apply(t, e, wantedBefore(t)...)
	stop := errors.New("stop")
	e.SetBefore(func() error {
		if _, err := os.Stat(filepath.Join(dir, ".lattice", "pending")); err == nil {
			return stop
		}
		return nil
	})
	if err := change(t, e, "apply"); !errors.Is(err, stop) {
		t.Fatalf("got %v, want %v", err, stop)
	}
	check(t, os.RemoveAll(filepath.Join(dir, "media-gone")))
	check(t, os.WriteFile(filepath.Join(dir, "media-gone"), []byte("mine"), 0o644))
	if _, err := executor(t, dir).Observe(t.Context(), set); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "media-gone")); err != nil || string(data) != "mine" {
		t.Errorf("got %q, %v", data, err)
	}
}

// TestMessages checks what people read.
func TestMessages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := executor(t, dir)
	apply(t, e, executortest.Bundle(t, "web", "1", "a", "b"))
	place := func(name string) {
		check(t, os.WriteFile(filepath.Join(dir, "media-web", name), []byte("mine"), 0o644))
	}
	place("1-configmap-media-web-a.yaml")
	place("1-configmap-media-web-b.yaml")
	place("1-configmap-media-web-c.yaml")
	_, err := tryApply(t, e, runtime.Options{}, executortest.Bundle(t, "web", "1", "a", "c"))
	want := strings.ReplaceAll(`DIR/media-web/1-configmap-media-web-a.yaml: ConfigMap media/web-a: was changed since it was written; undo that, or replace it with force
DIR/media-web/1-configmap-media-web-c.yaml: ConfigMap media/web-c: was not written by lattice-host; remove it, or replace it with force
DIR/media-web/1-configmap-media-web-b.yaml: ConfigMap media/web-b: is no longer desired, but was changed since it was written; remove it yourself, or with force`, "DIR", dir)
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	_, err = e.Rollback(t.Context(), set, 3, runtime.Options{})
	if want := dir + ": the set shop has no revision 3 to go back to; it has 1"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = e.Plan(t.Context(), &runtime.Desired{Set: "other", Bundles: []runtime.Bundle{executortest.Bundle(t, "web", "1", "a")}})
	if want := dir + ": the folder holds the set shop, not other; use another folder"; !errors.Is(err, runtime.ErrConflict) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = e.Prune(t.Context(), set, []abi.Ref{executortest.Resource("x"), executortest.Resource("y")}, runtime.Options{})
	want = "the set shop does not have LatticeService.lattice.dev media/x, LatticeService.lattice.dev media/y"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestHostileNames derives objects whose names lead elsewhere, or are alike.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	dir := filepath.Join(base, "folder")
	b := executortest.Bundle(t, "web", "1").Content.Content
	b.Resource.Namespace, b.Resource.Name = "..", "../../.lattice"
	b.Document = json.RawMessage(`{"apiVersion":"` + b.Resource.APIVersion + `","kind":"` + b.Resource.Kind +
		`","metadata":{"name":"../../.lattice","namespace":".."}}`)
	for _, name := range []string{"../../../etc/passwd", "a\x00b", "UPPER", "upper", strings.Repeat("n", 253), "..", "con\nfig"} {
		ref := abi.Ref{APIVersion: "../v1", Kind: "ConfigMap", Namespace: "..", Name: name}
		document, err := json.Marshal(map[string]any{
			"apiVersion": ref.APIVersion, "kind": ref.Kind, "metadata": map[string]string{"namespace": ref.Namespace, "name": ref.Name},
		})
		check(t, err)
		document, err = bundle.Canonical(document)
		check(t, err)
		b.Outputs = append(b.Outputs, bundle.Output{
			Ref: ref, Document: document, Pipeline: "service", Step: "config", Owners: []bundle.Owner{{Step: "config"}},
			From: &abi.Ref{APIVersion: "v1", Kind: "X", Name: "x\n---\nkind: Evil"},
		})
	}
	read := runtime.BundleOf(bundle.New(b))
	e := executor(t, dir)
	apply(t, e, read)
	n := 0
	for name, content := range objects(tree(t, base)) {
		if strings.HasPrefix(name, "folder/.lattice/") {
			continue
		}
		n++
		if folder := filepath.Dir(name); folder != "folder/..-.._.._.lattice" || strings.Contains(content, "\n---") {
			t.Errorf("%q says %q", name, content)
		}
	}
	if n != len(b.Outputs) {
		t.Errorf("got %d files, want %d", n, len(b.Outputs))
	}
	if r := apply(t, e, read); r.Revision != 1 {
		t.Errorf("got revision %d, want 1", r.Revision)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := executor(t, dir)
	for i := range 13 {
		apply(t, e, executortest.Bundle(t, "web", fmt.Sprint(i), "a"), executortest.Bundle(t, "api", "1", "a"))
	}
	revisions, err := e.History(t.Context(), set)
	check(t, err)
	if len(revisions) != 10 || revisions[0].Number != 13 || revisions[9].Number != 4 || !revisions[0].Time.Equal(clock()) {
		t.Errorf("got %+v", revisions)
	}
	kept, err := os.ReadDir(filepath.Join(dir, ".lattice", "bundles"))
	check(t, err)
	if len(kept) != 11 {
		t.Errorf("got %d bundles, want those of ten revisions, and the one that all have", len(kept))
	}
	p, err := e.Rollback(t.Context(), set, 4, runtime.Options{})
	check(t, err)
	_, err = e.Apply(t.Context(), p, runtime.Approve(p, "d"), runtime.ApplyOptions{})
	check(t, err)
	if got := (target{dir}).Objects(t)[executortest.ConfigMap("web-a")]; got != "3" {
		t.Errorf("got %s, want 3", got)
	}
}

// TestDamaged changes what the executor keeps for itself.
func TestDamaged(t *testing.T) {
	t.Parallel()
	rollback := func(e runtime.Executor) error {
		_, err := e.Rollback(t.Context(), set, 1, runtime.Options{})
		return err
	}
	observe := func(e runtime.Executor) error {
		_, err := e.Observe(t.Context(), set)
		return err
	}
	tests := map[string]struct {
		file string
		edit func(string) string
		use  func(runtime.Executor) error
		says string
	}{
		"Inventory":      {"inventory", func(s string) string { return s[:len(s)/2] }, observe, "inventory: it is not as lattice-host writes it"},
		"InventoryEmpty": {"inventory", func(string) string { return "" }, observe, "inventory: it is not as lattice-host writes it"},
		"InventoryPath": {"inventory", func(s string) string { return strings.Replace(s, "media-web/1-", "../web/1-", 1) },
			observe, `inventory: "../web/1-configmap-media-web-a.yaml" is not the path of an object's file; restore it from a backup or from version control`},
		"InventoryOwn":  {"inventory", func(s string) string { return strings.Replace(s, "media-web/1-", ".lattice/1-", 1) }, observe, "is not the path of an object's file"},
		"InventoryGone": {"inventory", nil, observe, "inventory: it is missing, though there is a history; restore it from a backup or from version control"},
		"Pending":       {"pending", func(string) string { return "{}" }, observe, "pending: it is not as lattice-host writes it"},
		"History":       {"history/1", func(string) string { return "[]" }, rollback, "history/1: it is not as lattice-host writes it"},
		"OtherNumber":   {"history/1", func(s string) string { return strings.Replace(s, `"revision":1`, `"revision":2`, 1) }, rollback, "history/1: it is revision 2"},
		"OtherSet":      {"history/1", func(s string) string { return strings.Replace(s, `"set":"shop"`, `"set":"step"`, 1) }, rollback, "history/1: it is of the set step"},
		"Bundle":        {"bundles/*", func(s string) string { return strings.Replace(s, `"value":"1"`, `"value":"2"`, 1) }, rollback, "it is not the bundle of LatticeService.lattice.dev media/web that was kept"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			e := executor(t, dir)
			apply(t, e, executortest.Bundle(t, "web", "1", "a"))
			file := filepath.Join(dir, ".lattice", tc.file)
			if found, err := filepath.Glob(file); err == nil && len(found) == 1 {
				file = found[0]
			}
			data, err := os.ReadFile(file)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			if tc.edit == nil {
				check(t, os.Remove(file))
			} else {
				check(t, os.WriteFile(file, []byte(tc.edit(string(data))), 0o644))
			}
			err = tc.use(e)
			if !errors.Is(err, runtime.ErrDamaged) || !strings.HasPrefix(err.Error(), dir) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want ErrDamaged that says %q", err, tc.says)
			}
		})
	}
}

// TestChangedWhileInterrupted changes files between a change that broke off and its completion.
func TestChangedWhileInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := executor(t, dir)
	apply(t, e, executortest.Bundle(t, "web", "1", "a", "b", "c"))
	full := errors.New("the disk is full")
	e.SetBefore(func() error {
		if _, err := os.Stat(filepath.Join(dir, ".lattice", "pending")); err == nil {
			return full
		}
		return nil
	})
	if _, err := tryApply(t, e, runtime.Options{}, executortest.Bundle(t, "web", "2", "a", "b", "d")); !errors.Is(err, full) {
		t.Fatalf("got %v, want %v", err, full)
	}
	for _, name := range []string{"a", "c", "d"} {
		target{dir}.Place(t, executortest.ConfigMap("web-"+name))
	}
	e.SetBefore(func() error { return nil })
	status, err := e.Observe(t.Context(), set)
	check(t, err)
	var got []string
	for _, o := range status.Objects {
		got = append(got, o.Object.Name, string(o.Presence))
	}
	want := []string{"web-a", "modified", "web-b", "present", "web-c", "modified", "web-d", "modified"}
	if diff := cmp.Diff(want, got); diff != "" || status.Revision != 2 {
		t.Errorf("revision %d: -want +got\n%s", status.Revision, diff)
	}
	values := target{dir}.Objects(t)
	if values[executortest.ConfigMap("web-a")] != "theirs" || values[executortest.ConfigMap("web-b")] != "2" {
		t.Errorf("got %v", values)
	}
	if _, err := tryApply(t, e, runtime.Options{}, executortest.Bundle(t, "web", "2", "a", "b", "d")); !errors.Is(err, runtime.ErrConflict) {
		t.Errorf("got %v, want a conflict", err)
	}
}

// TestPartlyDone changes a file while a plan is applied: the result has the rest.
func TestPartlyDone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := executor(t, dir)
	apply(t, e, executortest.Bundle(t, "web", "1", "a", "b", "c"))
	e.SetBefore(func() error {
		if _, err := os.Stat(filepath.Join(dir, ".lattice", "pending")); err == nil {
			target{dir}.Place(t, executortest.ConfigMap("web-b"))
		}
		return nil
	})
	r, err := tryApply(t, e, runtime.Options{}, executortest.Bundle(t, "web", "2", "a", "b"))
	if !errors.Is(err, runtime.ErrConflict) || r == nil || r.Revision != 2 {
		t.Fatalf("got %+v, %v", r, err)
	}
	var got []string
	for _, c := range r.Changes {
		got = append(got, string(c.Action), c.Object.Name)
	}
	if diff := cmp.Diff([]string{"update", "web-a", "delete", "web-c"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestOtherFileSystem has a folder that no staged file can be moved to: that must show before
// anything is written.
func TestOtherFileSystem(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"media-web", ".lattice"} {
		dir := t.TempDir()
		e := executor(t, dir)
		apply(t, e, executortest.Bundle(t, "api", "1", "a"))
		mounted := filepath.Join(dir, name)
		check(t, os.MkdirAll(mounted, 0o755))
		if err := mount(mounted); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skipf("needs to mount a file system, as root on Linux: %v", err)
		}
		t.Cleanup(func() { check(t, unmount(mounted)) })
		before := tree(t, dir)
		_, err := tryApply(t, e, runtime.Options{Force: true}, executortest.Bundle(t, "api", "2", "a"), executortest.Bundle(t, "web", "1", "a"))
		if !errors.Is(err, runtime.ErrConflict) || !strings.HasSuffix(err.Error(), "is on another file system; remove it") {
			t.Errorf("%s: got %v", name, err)
		}
		if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
			t.Errorf("%s: something was written\n%s", name, diff)
		}
	}
}

// TestFullDiskIsNotKeptFull fails a change in the middle, as a full disk does. What was written for
// it is gone at once, and a smaller change is made; so it is when nothing could be removed just
// then.
func TestFullDiskIsNotKeptFull(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]bool{"First": true, "Later": false} {
		for name, stuck := range map[string]bool{name: false, name + "Stuck": true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				e := executor(t, dir)
				bundles := 0
				if !first {
					apply(t, e, executortest.Bundle(t, "api", "1", "a"))
					bundles = 1
				}
				fails := 0
				e.SetBefore(func() error {
					staged, err := filepath.Glob(filepath.Join(dir, ".lattice/staged/*"))
					check(t, err)
					if len(staged) < 3 || fails > 0 && !stuck {
						return nil
					}
					fails++
					return syscall.ENOSPC
				})
				if _, err := tryApply(t, e, runtime.Options{}, wantedAfter(t)...); !errors.Is(err, syscall.ENOSPC) {
					t.Fatalf("got %v, want ENOSPC", err)
				}
				e.SetBefore(func() error { return nil })
				left := func(pattern string) int {
					names, err := filepath.Glob(filepath.Join(dir, ".lattice", pattern))
					check(t, err)
					return len(names)
				}
				if stuck && first {
					// A look completes what is left to do.
					_, err := e.Observe(t.Context(), set)
					check(t, err)
				}
				if stuck && !first {
					apply(t, e, executortest.Bundle(t, "api", "2", "a"))
					bundles++
				}
				if left("bundles/*") != bundles || left("staged/*") != 0 {
					t.Errorf("%d bundles and %d staged files are left, want %d and none", left("bundles/*"), left("staged/*"), bundles)
				}
				apply(t, e, executortest.Bundle(t, "api", "3", "a"))
			})
		}
	}
}

// TestDiskFull fails each operation of a change once, and goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	from := before(t)
	n := operations(t, (&killing{from: from}).copy(t), "apply")
	whole := (&killing{from: from}).copy(t)
	check(t, change(t, executor(t, whole), "apply"))
	want := comparable(tree(t, whole))
	for at := 0; at < n; at += 5 {
		dir := (&killing{from: from}).copy(t)
		e := executor(t, dir)
		left := at
		e.SetBefore(func() error {
			if left--; left < 0 {
				return syscall.ENOSPC
			}
			return nil
		})
		if err := change(t, e, "apply"); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("operation %d: got %v, want ENOSPC", at, err)
		}
		e.SetBefore(func() error { return nil })
		check(t, change(t, e, "apply"))
		if diff := cmp.Diff(want, comparable(tree(t, dir))); diff != "" {
			t.Errorf("operation %d: -want +got\n%s", at, diff)
		}
	}
}

// TestLock checks that no one looks at a folder while another one changes it.
func TestLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	apply(t, executor(t, dir), wantedBefore(t)...)
	e := executor(t, dir)
	inside, release := make(chan struct{}), make(chan struct{})
	first := true
	e.SetBefore(func() error {
		if first {
			first = false
			close(inside)
			<-release
		}
		return nil
	})
	done := make(chan error)
	go func() { done <- change(t, e, "apply") }()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := executor(t, dir).Observe(ctx, set); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want to wait", err)
	}
	close(release)
	check(t, <-done)
	status, err := executor(t, dir).Observe(t.Context(), set)
	if err != nil || status.Revision != 2 {
		t.Errorf("got %+v, %v", status, err)
	}
}

// TestConcurrentApply applies many plans at once, of which one at a time can still be what was
// approved.
func TestConcurrentApply(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const runs = 8
	errs := make(chan error, runs)
	plans := make([]*runtime.Plan, runs)
	for i := range plans {
		var err error
		plans[i], err = executor(t, dir).Plan(t.Context(), &runtime.Desired{Set: set, Bundles: []runtime.Bundle{executortest.Bundle(t, "web", fmt.Sprint(i), "a", "b")}})
		check(t, err)
	}
	for _, p := range plans {
		go func() {
			_, err := executor(t, dir).Apply(t.Context(), p, runtime.Approve(p, "d"), runtime.ApplyOptions{})
			errs <- err
		}()
	}
	won := 0
	for range runs {
		switch err := <-errs; {
		case err == nil:
			won++
		case !errors.Is(err, runtime.ErrConflict):
			t.Error(err)
		}
	}
	values := target{dir}.Objects(t)
	if won != 1 || values[executortest.ConfigMap("web-a")] != values[executortest.ConfigMap("web-b")] {
		t.Errorf("%d of them were applied; the folder has %v", won, values)
	}
}
