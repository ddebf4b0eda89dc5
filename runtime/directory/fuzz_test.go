package directory_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/latticenet/lattice-host/internal/exactjson"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/directory"
)

// FuzzParse reads what the executor keeps for itself.
func FuzzParse(f *testing.F) {
	dir := f.TempDir()
	e := executor(f, dir)
	apply(f, e, wantedBefore(f)...)
	stop := errors.New("stop")
	e.SetBefore(func() error {
		if _, err := os.Stat(filepath.Join(dir, ".lattice", "pending")); err == nil {
			return stop
		}
		return nil
	})
	if _, err := tryApply(f, e, runtime.Options{}, wantedAfter(f)...); !errors.Is(err, stop) {
		f.Fatal(err)
	}
	for _, name := range []string{"inventory", "history/1", "pending"} {
		data, err := os.ReadFile(filepath.Join(dir, ".lattice", name))
		check(f, err)
		if _, err := directory.ParseOwn(data); err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := directory.ParseOwn(data)
		if err != nil {
			if !errors.Is(err, runtime.ErrDamaged) {
				t.Fatalf("got %v, want ErrDamaged", err)
			}
			return
		}
		again, err := exactjson.Marshal(v)
		if err != nil || string(again) != string(data) {
			t.Fatalf("it is written differently: %v\n%s\n%s", err, data, again)
		}
	})
}
