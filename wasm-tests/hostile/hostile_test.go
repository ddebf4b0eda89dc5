package hostile

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"

	"github.com/latticenet/lattice-host/host/sandbox"
)

// suite returns every hostile module.
func suite() []hostile {
	return slices.Concat(
		sectionCases(), manifestCases(), importCases(), exportCases(), declarationCases(), codeCases(), compileCases(),
		growthCases(), bulkCases(), stateCases(),
		endlessCases(), trapCases(), featureCases(),
		placeCases(), jsonCases(), cborCases(), bundleCases(),
		logCases(), wasiCases(), hostCallCases(),
		// Large files come last: they go where large memories were.
		fileCases(),
	)
}

// maxGrowth is how much the heap of the host may grow over the whole suite, in bytes. The largest
// plugin has a memory of 64 MiB, its snapshot has as much, and a memory that grows is copied; a
// module of 32 MiB is rewritten next to that.
const maxGrowth = 384 << 20

// TestHostile runs the modules one after the other, so that each is seen to leave the host as it
// was.
func TestHostile(t *testing.T) {
	h := newHost(t)
	// What is measured is how much modules make the host hold at once, not how lazily garbage is
	// collected.
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	before := heap()
	for _, c := range suite() {
		if h.stuck {
			h = newHost(t)
		}
		t.Run(c.name, func(t *testing.T) {
			h.attack(t, &c)
			h.bounded(t, func(ctx context.Context) {
				if err := h.serve(ctx); err != nil {
					t.Errorf("the host does not serve the next call: %v", err)
				}
			})
		})
		runtime.GC()
	}
	if after := heap(); after > before+maxGrowth {
		t.Errorf("the heap grew by %d MiB, at most %d are allowed", (after-before)>>20, maxGrowth>>20)
	}
}

// TestHealthyBesideHostile mixes calls of one healthy and many hostile plugins.
func TestHealthyBesideHostile(t *testing.T) {
	const callers, rounds = 8, 3
	h := newHost(t)
	mixed := pick(t, "endless-loop", "exponential-recursion", "memory-grow-loop", "unreachable", "answer-not-json", "log-flood",
		"state-in-memory", "state-in-table")
	plugins := make([]*sandbox.Plugin, len(mixed))
	for i := range mixed {
		var err error
		if plugins[i], err = h.load(t.Context(), &mixed[i]); err != nil {
			t.Fatal(err)
		}
	}
	h.bounded(t, func(ctx context.Context) {
		var all sync.WaitGroup
		for caller := range callers {
			all.Go(func() {
				for round := range rounds * len(mixed) {
					i := (caller + round) % len(mixed)
					if err := h.mix(ctx, &mixed[i], plugins[i]); err != nil {
						t.Errorf("caller %d, %s: %v", caller, mixed[i].name, err)
					}
				}
			})
		}
		all.Wait()
	})
}

func (h *host) mix(ctx context.Context, c *hostile, p *sandbox.Plugin) error {
	if _, _, err := c.ask(ctx, p); !c.want.has(err) {
		return fmt.Errorf("ended with %w, must be %s", err, c.want.name)
	}
	if err := h.serve(ctx); err != nil {
		return fmt.Errorf("at the same time, the healthy plugin: %w", err)
	}
	return nil
}

// pick returns the modules of these names.
func pick(t *testing.T, names ...string) []hostile {
	t.Helper()
	var picked []hostile
	for _, c := range suite() {
		if slices.Contains(names, c.name) {
			picked = append(picked, c)
		}
	}
	if len(picked) != len(names) {
		t.Fatalf("%d of %d modules exist", len(picked), len(names))
	}
	return picked
}

// TestSuiteIsLargeEnough keeps cases from getting lost: modules, and outcomes that some module has.
func TestSuiteIsLargeEnough(t *testing.T) {
	const least = 60
	names, outcomes := map[string]bool{}, map[string]bool{}
	all := suite()
	for _, c := range all {
		if names[c.name] || c.reason == "" || !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(c.name) {
			t.Errorf("%q is a duplicate, is not a name in kebab case, or has no reason", c.name)
		}
		names[c.name] = true
		outcomes[c.want.name] = true
	}
	if len(all) < least {
		t.Errorf("the suite has %d modules, at least %d are wanted", len(all), least)
	}
	for _, o := range []outcome{refused, untrusted, contract, trap, endless, stopped, memory, badAnswer, ok} {
		if !outcomes[o.name] {
			t.Errorf("no module ends with %s", o.name)
		}
	}
}

// TestEveryPrefixIsRefused cuts a module at every byte, in three ways.
func TestEveryPrefixIsRefused(t *testing.T) {
	h := newHost(t)
	m := healthyManifest()
	whole := wholeModule()
	manifest := string(m.CanonicalJSON())
	shipped := withManifest(whole, manifest)
	ways := []struct {
		reason string
		upTo   int
		cut    func(n int) []byte
	}{
		{"the rest is missing", len(shipped), func(n int) []byte { return shipped[:n] }},
		{"the manifest follows the cut", len(whole), func(n int) []byte { return withManifest(whole[:n:n], manifest) }},
		{"the manifest is in front, and the cut section has its new length", len(whole), func(n int) []byte {
			return append(withManifest([]byte(header), manifest), shortened(whole, n)...)
		}},
	}
	for _, w := range ways {
		for n := range w.upTo {
			wasm := w.cut(n)
			p, err := h.forge(m, wasm)
			if err == nil {
				_, err = h.runtime.Load(t.Context(), p)
			}
			if !refused.has(err) {
				t.Errorf("%s: the first %d of %d bytes: ended with %v", w.reason, n, w.upTo, err)
			}
			// Looking at it must not panic, whatever it finds.
			_, _ = sandbox.Inspect(wasm)
		}
	}
	p, err := h.forge(m, shipped)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.runtime.Load(t.Context(), p); err != nil {
		t.Errorf("the whole module is refused: %v", err)
	}
	if err := h.serve(t.Context()); err != nil {
		t.Error(err)
	}
}
