package sandbox

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
)

// TestExtismGoGuest proves on a module of a real compiler that its runtime starts, that it sees
// nothing of the machine or of other calls, and that calls at the same time are as one after the
// other.
func TestExtismGoGuest(t *testing.T) {
	t.Parallel()
	var log messages
	p := load(t, newRuntime(t, Config{Log: log.add}), extismManifest(), buildExtismGoGuest(t))
	const want = `{"results":[{"severity":"info","message":"size=9 calls=1 args=[plugin] env=0 time=2000-01-01T00:00:00Z slept=true open=true create=true"}]}`
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 3 {
				answer, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(`{"abi":1}`))
				if err != nil || string(answer) != want {
					t.Errorf("got %s, %v", answer, err)
				}
			}
		})
	}
	wg.Wait()
	if got := log.texts(); len(got) != 24 || got[0] != "info: a line on stdout" {
		t.Errorf("log: %q", got)
	}
	for request, want := range map[string]string{
		`"do-panic"`: "step main: in derive: trapped: unreachable, last message: panic: the guest had enough",
		`"do-fail"`:  "step main: in derive: trapped: no such service",
	} {
		_, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(request))
		if diff := cmp.Diff([]string{want}, lines(err)); diff != "" || !errors.Is(err, ErrTrap) {
			t.Errorf("%s (-want +got):\n%s", request, diff)
		}
	}
	if _, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(`"do-spin"`)); !errors.Is(err, ErrFuel) {
		t.Errorf("an endless loop ended with %v", err)
	}
}

func buildExtismGoGuest(t testing.TB) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "guest.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-o", file, "./testdata/extism")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, strings.TrimSpace(string(out)))
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}
