package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
)

// asClient makes the test program be the client.
const asClient = "LATTICE_TEST_CLIENT"

func TestMain(m *testing.M) {
	if os.Getenv(asClient) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// suite drives the client as the conformance suite does: as a process, against a server.
type suite struct {
	*testing.T
	repo *tuftest.Repository
	url  string
	dir  string
	// time is what the command date says.
	time time.Time
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	now := time.Now()
	s := &suite{T: t, repo: tuftest.New(t, now), dir: t.TempDir(), time: now}
	s.repo.Hashes = false
	server := httptest.NewServer(s.repo)
	t.Cleanup(server.Close)
	s.url = server.URL
	for _, folder := range []string{"metadata", "targets", "bin"} {
		s.check(os.Mkdir(filepath.Join(s.dir, folder), 0o755))
	}
	s.check(os.WriteFile(filepath.Join(s.dir, "initial_root.json"), s.repo.Get("metadata/1.root.json"), 0o644))
	return s
}

func (s *suite) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// run runs the client and checks that it exits with want.
func (s *suite) run(want int, args ...string) {
	s.Helper()
	script := fmt.Sprintf("#!/bin/sh\ntest \"$1\" = +%%s && echo %d\n", s.time.Unix())
	s.check(os.WriteFile(filepath.Join(s.dir, "bin", "date"), []byte(script), 0o755))
	cmd := exec.Command(os.Args[0], append([]string{"--metadata-dir", filepath.Join(s.dir, "metadata")}, args...)...)
	cmd.Env = append(os.Environ(), asClient+"=1", "PATH="+filepath.Join(s.dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != want {
		s.Fatalf("%v: exit %d, want %d\n%s", args, got, want, out)
	}
}

func (s *suite) init() { s.Helper(); s.run(0, "init", filepath.Join(s.dir, "initial_root.json")) }

func (s *suite) refresh(want int) {
	s.Helper()
	s.run(want, "--metadata-url", s.url+"/metadata", "refresh")
}

func (s *suite) download(want int, name string) {
	s.Helper()
	s.run(want, "--metadata-url", s.url+"/metadata", "--target-name", name, "--target-dir", filepath.Join(s.dir, "targets"),
		"--target-base-url", s.url+"/targets", "download")
}

// trusts checks the files in the metadata folder against what the repository serves.
func (s *suite) trusts(want map[string]string) {
	s.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "metadata", "*.json"))
	s.check(err)
	got := map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		s.check(err)
		role := strings.TrimSuffix(filepath.Base(file), ".json")
		got[role] = "?"
		if bytes.Equal(data, s.repo.Get("metadata/"+want[role])) {
			got[role] = want[role]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Error(diff)
	}
}

func TestProtocol(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.init()
	s.trusts(map[string]string{"root": "1.root.json"})
	if asked := s.repo.Asked(); asked != nil {
		t.Errorf("init asked for %v", asked)
	}
	s.refresh(0)
	s.trusts(map[string]string{
		"root": "1.root.json", "timestamp": "timestamp.json", "snapshot": "1.snapshot.json", "targets": "1.targets.json",
	})
	if diff := cmp.Diff([]string{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"}, s.repo.Asked()); diff != "" {
		t.Error(diff)
	}
	s.repo.AddTarget("targets", "path/to a/file?.txt", []byte("content"))
	s.repo.Delegate("targets", metadata.DelegatedRole{Name: "../x", Paths: []string{"*"}}, tuftest.NewKey(9))
	s.repo.PublishRoot()
	s.repo.PublishAll()
	s.download(0, "path/to a/file?.txt")
	files, err := filepath.Glob(filepath.Join(s.dir, "targets", "*"))
	s.check(err)
	if len(files) != 1 {
		t.Fatal(files)
	}
	if data, err := os.ReadFile(files[0]); err != nil || string(data) != "content" {
		t.Errorf("%s, %v", data, err)
	}
	s.download(1, "absent")
	s.trusts(map[string]string{
		"root": "2.root.json", "timestamp": "timestamp.json", "snapshot": "2.snapshot.json", "targets": "2.targets.json",
		"..%2Fx": "2.../x.json",
	})
}

// TestImplicitRefresh downloads at once: the metadata is refreshed, though the target does not
// exist.
func TestImplicitRefresh(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.init()
	s.download(1, "nonexistent artifact")
	s.trusts(map[string]string{
		"root": "1.root.json", "timestamp": "timestamp.json", "snapshot": "1.snapshot.json", "targets": "1.targets.json",
	})
	if diff := cmp.Diff([]string{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"}, s.repo.Asked()); diff != "" {
		t.Error(diff)
	}
}

// TestBadAnchor: a root that is not one or not signed asks no one for anything.
func TestBadAnchor(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{"NoVersion": {`"version":1`, `"vision":1`}, "Unsigned": {`"sig":"`, `"sig":"00`}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSuite(t)
			file := filepath.Join(s.dir, "initial_root.json")
			root := bytes.Replace(s.repo.Get("metadata/1.root.json"), []byte(change[0]), []byte(change[1]), 1)
			s.check(os.WriteFile(file, root, 0o644))
			s.init()
			s.refresh(1)
			if asked := s.repo.Asked(); asked != nil {
				t.Errorf("asked for %v", asked)
			}
		})
	}
}

// TestDownloadKept: a target that is there is not downloaded again, and stays when a mirror serves
// another.
func TestDownloadKept(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.init()
	s.repo.AddTarget("targets", "file", []byte("content"))
	s.repo.PublishAll()
	s.download(0, "file")
	s.repo.Set("targets/"+tuftest.TargetPath("file", []byte("content")), []byte("evil"))
	s.download(0, "file")
	if data, err := os.ReadFile(filepath.Join(s.dir, "targets", "file")); err != nil || string(data) != "content" {
		t.Errorf("%s, %v", data, err)
	}
}

// TestFailedRefresh: what was verified before the failure is trusted.
func TestFailedRefresh(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.init()
	s.repo.PublishRoot()
	s.repo.Remove("metadata/1.snapshot.json")
	s.refresh(1)
	s.trusts(map[string]string{"root": "2.root.json", "timestamp": "timestamp.json"})
}

// TestFakeTime: the time is that of the command date.
func TestFakeTime(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.init()
	s.refresh(0)
	s.time = s.time.AddDate(2, 0, 0)
	s.refresh(1)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.run(1, "refresh")
	s.run(1, "init", filepath.Join(s.dir, "absent.json"))
	s.init()
	s.run(1, "refresh")
	s.run(1, "--metadata-url", s.url+"/metadata", "download")
	s.run(1, "--unknown", "refresh")
	s.run(1)
}
