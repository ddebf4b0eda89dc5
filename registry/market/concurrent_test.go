package market_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/registry/internal/indextest"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
)

// The environment that makes the test program install plugins instead of running tests.
const (
	childHome  = "LATTICE_TEST_HOME"
	childNames = "LATTICE_TEST_NAMES"
)

func TestMain(m *testing.M) {
	if os.Getenv(childHome) == "" {
		os.Exit(m.Run())
	}
	if err := child(os.Getenv(childHome), strings.Fields(os.Getenv(childNames))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child installs each name in an install of its own and removes nothing.
func child(dir string, names []string) error {
	h, err := market.Open(dir, func() time.Time { return indextest.Now.Add(time.Minute) })
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := h.Install(context.Background(), []string{name}, market.Options{AllowDowngrade: true}); err != nil {
			return err
		}
	}
	return nil
}

func start(t *testing.T, h home, names ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childHome+"="+h.Dir(), childNames+"="+strings.Join(names, " "))
	cmd.Stderr = os.Stderr
	check(t, cmd.Start())
	return cmd
}

func references(publisher string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s/p%d@1.0.0", publisher, i))
	}
	return names
}

func signAll(t *testing.T, names []string) (releases []registrytest.Release) {
	t.Helper()
	for _, name := range names {
		releases = append(releases, indextest.Sign(t, name))
	}
	return releases
}

func TestAttack46_Concurrent(t *testing.T) {
	t.Parallel()
	acme, beta := references("acme", 8), references("beta", 8)
	x := indextest.New(t, indexSeed, append(signAll(t, acme), signAll(t, beta)...)...)
	complete := func(t *testing.T, h home) {
		t.Helper()
		if found := problems(h); len(found) > 0 {
			t.Error(found)
		}
		l, err := lock.Read(filepath.Join(h.Dir(), lock.FileName))
		check(t, err)
		if len(l.Plugins) != 16 {
			t.Errorf("%d of 16 plugins are installed", len(l.Plugins))
		}
	}
	t.Run("Goroutines", func(t *testing.T) {
		t.Parallel()
		h := newHome(t, x)
		var wg sync.WaitGroup
		for _, name := range append(acme, beta...) {
			wg.Go(func() {
				if _, err := h.Install(context.Background(), []string{name}, market.Options{}); err != nil {
					t.Error(err)
				}
				if _, err := load(h, strings.TrimSuffix(name, "@1.0.0")); !errors.Is(err, market.ErrNotActive) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		complete(t, h)
	})
	t.Run("Processes", func(t *testing.T) {
		t.Parallel()
		h := newHome(t, x)
		first, second := start(t, h, acme...), start(t, h, beta...)
		check(t, errors.Join(first.Wait(), second.Wait()))
		complete(t, h)
	})
}

// TestAttack46_Killed kills installs at 100 moments, with -short at 15. Whatever is locked
// afterwards must verify, and the store must be whole.
func TestAttack46_Killed(t *testing.T) {
	t.Parallel()
	names := references("acme", 8)
	releases := signAll(t, names)
	for _, name := range names {
		newer := strings.Replace(name, "@1.0.0", "@1.1.0", 1)
		names = append(names, newer)
		releases = append(releases, indextest.Sign(t, newer))
	}
	h := newHome(t, indextest.New(t, indexSeed, releases...))
	many := []string{}
	for range 200 {
		many = append(many, names...)
	}
	random := rand.New(rand.NewPCG(1, 2))
	kills := 100
	if testing.Short() {
		kills = 15
	}
	for i := range kills {
		cmd := start(t, h, many...)
		time.Sleep(time.Duration(1+random.IntN(60)) * time.Millisecond)
		check(t, cmd.Process.Kill())
		if err := cmd.Wait(); err == nil {
			t.Fatal("the process ended before it was killed")
		}
		if found := problems(h); len(found) > 0 {
			t.Fatalf("after kill %d: %v", i, found)
		}
		if _, err := h.CheckStore(context.Background()); err != nil {
			t.Fatalf("after kill %d: %v", i, err)
		}
	}
	for _, name := range names {
		_, err := h.Install(context.Background(), []string{name}, market.Options{AllowDowngrade: true})
		check(t, err)
	}
	if found := problems(h); len(found) > 0 {
		t.Errorf("%v", found)
	}
}

// TestAttack46_FailedSteps makes each step of an install fail and looks for half a state.
func TestAttack46_FailedSteps(t *testing.T) {
	t.Parallel()
	blockWithFolder := func(name string) func(*testing.T, home) {
		return func(t *testing.T, h home) {
			path := filepath.Join(h.Dir(), name)
			check(t, os.RemoveAll(path))
			check(t, os.MkdirAll(filepath.Join(path, "x"), 0o755))
		}
	}
	tests := map[string]struct {
		reason string
		breaks func(*testing.T, home)
		heals  func(*testing.T, home)
	}{
		"Store": {
			reason: "A file cannot be put into the store.",
			breaks: func(t *testing.T, h home) {
				check(t, os.RemoveAll(filepath.Join(h.Dir(), "store")))
				write(t, nil, h.Dir(), "store")
			},
			heals: func(t *testing.T, h home) { check(t, os.Remove(filepath.Join(h.Dir(), "store"))) },
		},
		"LockUnreadable": {
			reason: "The lock cannot be read.",
			breaks: blockWithFolder(lock.FileName),
			heals:  func(t *testing.T, h home) { check(t, os.RemoveAll(filepath.Join(h.Dir(), lock.FileName))) },
		},
		"LockHeldAway": {
			reason: "The lock cannot be locked.",
			breaks: blockWithFolder("." + lock.FileName + ".flock"),
			heals: func(t *testing.T, h home) {
				check(t, os.RemoveAll(filepath.Join(h.Dir(), "."+lock.FileName+".flock")))
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "beta/api@1.0.0"))
			h := newHome(t, x)
			tc.breaks(t, h)
			if installed, err := h.Install(context.Background(), []string{"web", "api"}, market.Options{}); err == nil || installed != nil {
				t.Fatalf("%s: %v, %v", tc.reason, installed, err)
			}
			tc.heals(t, h)
			for _, name := range []string{"web", "api"} {
				if _, err := load(h, name); !errors.Is(err, lock.ErrNotLocked) {
					t.Errorf("%s: Load(%s): %v", tc.reason, name, err)
				}
			}
			install(t, h, "web", "api")
			if found := problems(h); len(found) > 0 {
				t.Errorf("%s: %v", tc.reason, found)
			}
		})
	}
}
