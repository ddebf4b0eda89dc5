package market_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
)

// The environment that makes the test program install plugins instead of running tests.
const (
	childHome  = "LATTICE_TEST_HOME"
	childIndex = "LATTICE_TEST_INDEX"
	childNames = "LATTICE_TEST_NAMES"
)

func TestMain(m *testing.M) {
	if os.Getenv(childHome) == "" {
		os.Exit(m.Run())
	}
	if err := child(os.Getenv(childHome), os.Getenv(childIndex), strings.Fields(os.Getenv(childNames))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child installs each name in an install of its own and removes nothing.
func child(dir, index string, names []string) error {
	h, err := market.Open(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := h.Install(context.Background(), index, []string{name}, market.Options{AllowDowngrade: true}); err != nil {
			return err
		}
	}
	return nil
}

func start(t *testing.T, h *market.Home, index string, names ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childHome+"="+h.Dir(), childIndex+"="+index, childNames+"="+strings.Join(names, " "))
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
		releases = append(releases, sign(t, name))
	}
	return releases
}

func TestAttack46_Concurrent(t *testing.T) {
	t.Parallel()
	acme, beta := references("acme", 8), references("beta", 8)
	dir := newIndex(t, indexKey, append(signAll(t, acme), signAll(t, beta)...)...)
	complete := func(t *testing.T, h *market.Home) {
		t.Helper()
		entries, err := h.List(context.Background())
		check(t, err)
		for _, e := range entries {
			if e.Err != nil {
				t.Error(e.Err)
			}
		}
		if len(entries) != 16 {
			t.Errorf("%d of 16 plugins are installed", len(entries))
		}
	}
	t.Run("Goroutines", func(t *testing.T) {
		t.Parallel()
		h := newHome(t)
		var wg sync.WaitGroup
		for _, name := range append(acme, beta...) {
			wg.Go(func() {
				if _, err := h.Install(context.Background(), dir, []string{name}, market.Options{}); err != nil {
					t.Error(err)
				}
				if _, err := h.Load(strings.TrimSuffix(name, "@1.0.0")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		complete(t, h)
	})
	t.Run("Processes", func(t *testing.T) {
		t.Parallel()
		h := newHome(t)
		first, second := start(t, h, dir, acme...), start(t, h, dir, beta...)
		check(t, errors.Join(first.Wait(), second.Wait()))
		complete(t, h)
	})
}

// TestAttack46_Killed kills installs at many moments. Whatever is locked afterwards must verify.
func TestAttack46_Killed(t *testing.T) {
	t.Parallel()
	names := references("acme", 8)
	dir := newIndex(t, indexKey, signAll(t, names)...)
	h := newHome(t)
	many := []string{}
	for range 200 {
		many = append(many, names...)
	}
	for i := range 12 {
		cmd := start(t, h, dir, many...)
		time.Sleep(time.Duration(5+7*i) * time.Millisecond)
		check(t, cmd.Process.Kill())
		if err := cmd.Wait(); err == nil {
			t.Fatal("the process ended before it was killed")
		}
		if problems := h.Verify(context.Background()); len(problems) > 0 {
			t.Fatalf("after kill %d: %v", i, problems)
		}
	}
	for _, name := range names {
		install(t, h, dir, name)
	}
	if problems := h.Verify(context.Background()); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
}

// TestAttack46_FailedSteps makes each step of an install fail and looks for half a state.
func TestAttack46_FailedSteps(t *testing.T) {
	t.Parallel()
	blockWithFolder := func(name string) func(*testing.T, *market.Home) {
		return func(t *testing.T, h *market.Home) {
			path := filepath.Join(h.Dir(), name)
			check(t, os.RemoveAll(path))
			check(t, os.MkdirAll(filepath.Join(path, "x"), 0o755))
		}
	}
	tests := map[string]struct {
		reason string
		breaks func(*testing.T, *market.Home)
		heals  func(*testing.T, *market.Home)
	}{
		"Store": {
			reason: "A file cannot be put into the store.",
			breaks: func(t *testing.T, h *market.Home) {
				check(t, os.RemoveAll(filepath.Join(h.Dir(), "store")))
				write(t, nil, h.Dir(), "store")
			},
			heals: func(t *testing.T, h *market.Home) { check(t, os.Remove(filepath.Join(h.Dir(), "store"))) },
		},
		"LockUnreadable": {
			reason: "The lock cannot be read.",
			breaks: blockWithFolder(lock.FileName),
			heals:  func(t *testing.T, h *market.Home) { check(t, os.RemoveAll(filepath.Join(h.Dir(), lock.FileName))) },
		},
		"LockHeldAway": {
			reason: "The lock cannot be locked.",
			breaks: blockWithFolder("." + lock.FileName + ".flock"),
			heals: func(t *testing.T, h *market.Home) {
				check(t, os.RemoveAll(filepath.Join(h.Dir(), "."+lock.FileName+".flock")))
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newIndex(t, indexKey, sign(t, "acme/web@1.0.0"), sign(t, "beta/api@1.0.0"))
			h := newHome(t)
			tc.breaks(t, h)
			if installed, err := h.Install(context.Background(), dir, []string{"web", "api"}, market.Options{}); err == nil || installed != nil {
				t.Fatalf("%s: %v, %v", tc.reason, installed, err)
			}
			tc.heals(t, h)
			for _, name := range []string{"web", "api"} {
				if _, err := h.Load(name); !errors.Is(err, lock.ErrNotLocked) {
					t.Errorf("%s: Load(%s): %v", tc.reason, name, err)
				}
			}
			install(t, h, dir, "web", "api")
			if problems := h.Verify(context.Background()); len(problems) > 0 {
				t.Errorf("%s: %v", tc.reason, problems)
			}
		})
	}
}
