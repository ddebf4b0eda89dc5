package latticenet_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/latticenet"
	"github.com/latticenet/lattice-host/registry/latticenet/latticenettest"
)

// childDir is the environment variable that makes the test program import plugins into this folder
// until it is killed.
const childDir = "LATTICE_TEST_IMPORT_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	for i := 0; ; i++ {
		if err := importNth(dir, i); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// importNth imports a plugin of its own for each number, with enough files to be killed in between.
func importNth(dir string, n int) error {
	m := &latticenet.Manifest{
		Schema: latticenet.SchemaV2, ID: fmt.Sprintf("acme.p%d", n), Name: "P", Type: latticenet.TypeWasm, Capabilities: []string{"kv:read"},
		Version: "1", Publisher: "acme", Bundle: &latticenet.Bundle{Format: latticenet.FormatTarGzip},
		Runtime:       &latticenet.Runtime{Protocol: latticenet.ProtocolStdioJSON, Entrypoints: map[string]string{"linux/amd64": program}},
		Compatibility: &latticenet.Compatibility{Server: "1", DashboardHost: "1", RuntimeProtocol: "1"},
	}
	content := fstest.MapFS{program: {Data: []byte(m.ID)}}
	for i := range 30 {
		content[fmt.Sprintf("d%d/e/f%d", i%5, i)] = &fstest.MapFile{Data: []byte(strings.Repeat("x", 1000*i))}
	}
	artifact, err := latticenettest.Pack(content, program)
	if err != nil {
		return err
	}
	// There is no test to fail in the other process.
	t := &testing.T{}
	if err := m.Sign(registrytest.Key(t, acmeSeed), artifact); err != nil {
		return err
	}
	document, err := m.Encode()
	if err != nil {
		return err
	}
	v, err := policy(t).Verify(document, artifact)
	if err != nil {
		return err
	}
	_, err = latticenet.Import(dir, v)
	return err
}

// TestAttack46_Killed kills imports in the middle. Whatever has its name is complete, and the next
// import removes the rest.
func TestAttack46_Killed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 6 {
		cmd := exec.Command(os.Args[0])
		cmd.Env, cmd.Stderr = append(os.Environ(), childDir+"="+dir), os.Stderr
		check(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		waitForStaging(t, dir)
		check(t, cmd.Process.Kill())
		if err := cmd.Wait(); err == nil {
			t.Fatal("the process ended before it was killed")
		}
		onlyCompletePlugins(t, dir)
	}
	check(t, importNth(dir, 0))
	onlyCompletePlugins(t, dir)
	if left := staging(t, dir); left != nil {
		t.Errorf("an import left %v", left)
	}
}

func staging(t testing.TB, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, ".staging-*"))
	check(t, err)
	return found
}

// waitForStaging waits until an import is on its way.
func waitForStaging(t testing.TB, dir string) {
	t.Helper()
	before := strings.Join(staging(t, dir), " ")
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if now := strings.Join(staging(t, dir), " "); now != "" && now != before {
			return
		}
	}
	t.Fatal("no import begins")
}

// onlyCompletePlugins compares every stored plugin with what is signed, as importing it again
// would, and returns how many there are.
func onlyCompletePlugins(t testing.TB, dir string) int {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(dir, "acme.*", "*", "*"))
	check(t, err)
	for _, folder := range folders {
		document, err := os.ReadFile(filepath.Join(folder, latticenet.ManifestFile))
		check(t, err)
		artifact, err := os.ReadFile(filepath.Join(folder, latticenet.ArtifactFile))
		check(t, err)
		v, err := policy(t).Verify(document, artifact)
		check(t, err)
		if err := latticenet.Compare(dir, v); err != nil {
			t.Error(err)
		}
	}
	return len(folders)
}

// TestSweep leaves what a killed import leaves. The next one removes it, and nothing else.
func TestSweep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	check(t, os.WriteFile(outside, nil, 0o600))
	check(t, os.MkdirAll(filepath.Join(dir, ".staging-0123", "bundle", "bin"), 0o700))
	check(t, os.WriteFile(filepath.Join(dir, ".staging-0123", "bundle", "bin", "p"), nil, 0o600))
	check(t, os.Symlink(filepath.Dir(outside), filepath.Join(dir, ".staging-link")))
	check(t, os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600))
	check(t, importNth(dir, 1))
	if left := staging(t, dir); left != nil {
		t.Errorf("an import left %v", left)
	}
	for _, path := range []string{outside, filepath.Join(dir, "notes")} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// TestAttack46_Concurrent imports the same and other plugins at once.
func TestAttack46_Concurrent(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "plugins")
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			if err := importNth(dir, i%4); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := onlyCompletePlugins(t, dir); n != 4 {
		t.Errorf("%d of 4 plugins are there", n)
	}
}

// TestImportFails makes steps of an import fail: nothing is left, and what was there stays.
func TestImportFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		block func(dir string) error
		says  string
	}{
		"IDIsFile":   {func(dir string) error { return os.WriteFile(filepath.Join(dir, "acme.web"), nil, 0o600) }, "not a directory"},
		"IDLeadsOut": {func(dir string) error { return os.Symlink("/tmp", filepath.Join(dir, "acme.web")) }, "path escapes"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			check(t, tc.block(dir))
			check(t, os.WriteFile(filepath.Join(dir, ".import.flock"), nil, 0o600))
			before := tree(t, dir)
			_, err := latticenet.Import(dir, packed(t, nil).verify(t))
			if !strings.Contains(errorText(err), tc.says) || err == nil {
				t.Errorf("want an error that says %q, got %v", tc.says, err)
			}
			if after := tree(t, dir); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("before %v\nafter %v", before, after)
			}
		})
	}
}
