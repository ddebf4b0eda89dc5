package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// spreaderBytes is what one instance of spreader has, and spreaderSnapshot what the state that it
// starts from has.
const (
	spreaderBytes    = spreaderSnapshot + instanceBytes + segmentBytes
	spreaderSnapshot = 3 * pageSize
)

// loadSpreaders loads so many plugins into one runtime.
func loadSpreaders(t testing.TB, r *Runtime, n int) []*Plugin {
	t.Helper()
	var plugins []*Plugin
	for i := range n {
		manifest := jsonManifest()
		manifest.Name = fmt.Sprint("web-", i)
		plugins = append(plugins, load(t, r, manifest, spreader().build()))
	}
	return plugins
}

// mustCall calls a spreader, and waits until the instance is idle.
func mustCall(t testing.TB, p *Plugin) {
	t.Helper()
	want := canaryFor('.', 1)
	answer, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(want))
	if err != nil || string(answer) != want {
		t.Fatalf("got %q, %v", answer, err)
	}
	settle(t, p.runtime.pool)
}

// bookkeeping is what the pool counts.
type bookkeeping struct {
	// Live is how many instances each plugin has, Used what those have.
	Live           []int
	Used           uint64
	Calls, Waiting int
	Sweeps         bool
}

func bookkeepingOf(plugins []*Plugin) bookkeeping {
	p := plugins[0].runtime.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	b := bookkeeping{Used: p.used, Calls: p.calls, Waiting: len(p.queue), Sweeps: p.sweep != nil}
	for _, plugin := range plugins {
		b.Live = append(b.Live, plugin.instances.live)
		if first := plugin.instances.first; first != nil {
			b.Used -= first.size()
		}
	}
	return b
}

// wantLive fails unless the plugins have so many instances, all of them small, and as many as there
// are calls are in use.
func wantLive(t *testing.T, plugins []*Plugin, calls int, live ...int) {
	t.Helper()
	want := bookkeeping{Live: live, Calls: calls}
	for _, n := range live {
		want.Used += uint64(n * spreaderBytes)
	}
	got := bookkeepingOf(plugins)
	want.Sweeps = got.Sweeps
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bookkeeping (-want +got):\n%s", diff)
	}
}

// callSoon calls a plugin in another goroutine, and returns when that goroutine can go no further.
// It must run in a bubble.
func callSoon(ctx context.Context, p *Plugin) (result func() error) {
	done := make(chan error, 1)
	go func() {
		_, err := p.Call(ctx, "main", abi.OpDerive, []byte(canaryFor('.', 2)))
		done <- err
	}()
	synctest.Wait()
	return func() error {
		synctest.Wait()
		select {
		case err := <-done:
			return err
		default:
			return errStillWaits
		}
	}
}

var errStillWaits = errors.New("the call still waits")

func TestCallWaitsForACore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRuntime(t, Config{})
		r.pool.cores = 2
		manifest := jsonManifest()
		manifest.Limits.TimeoutMillis = 50
		p := load(t, r, manifest, spreader().build())
		_, first := borrow(t, p)
		_, second := borrow(t, p)

		ctx, cancel := context.WithCancel(t.Context())
		cancelled, patient, later := callSoon(ctx, p), callSoon(t.Context(), p), callSoon(t.Context(), p)
		// The plugin's own time is not spent by waiting.
		time.Sleep(time.Hour)
		if err := cancelled(); !errors.Is(err, errStillWaits) {
			t.Errorf("there are as many as there may be, and got %v", err)
		}
		cancel()
		if err := cancelled(); !errors.Is(err, context.Canceled) || errors.Is(err, ErrPlugin) {
			t.Errorf("a call that is cancelled while it waits got %v", err)
		}
		if err := patient(); !errors.Is(err, errStillWaits) {
			t.Errorf("nothing was given back, and got %v", err)
		}
		r.pool.release(first)
		for _, result := range []func() error{patient, later} {
			if err := result(); err != nil {
				t.Errorf("an instance was given back, and got %v", err)
			}
		}
		r.pool.drop(second)
		wantLive(t, []*Plugin{p}, 0, 1)
	})
}

// A log function that panics must not take an instance with it, or the calls after it would wait
// forever.
func TestPanicGivesBackTheInstance(t *testing.T) {
	t.Parallel()
	guest := guestModule{}
	// It writes one byte to stdout, a line without an end, which is logged when the call is over.
	write := guest.ImportFunction(wasiModule, "fd_write", i32x4, []byte{wasmbuild.I32})
	guest.Data(2048, []byte{0, 16, 0, 0, 1, 0, 0, 0})
	guest.call = wasmbuild.Body(
		wasmbuild.Int32(1), wasmbuild.Int32(2048), wasmbuild.Int32(1), wasmbuild.Int32(2056), wasmbuild.Call, int(write), wasmbuild.Drop,
		packed(answerAt, 2),
	)
	p := load(t, newRuntime(t, Config{Log: func(Message) { panic("no log") }}), jsonManifest(), guest.build())
	p.runtime.pool.cores = 1
	for range 3 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the log function was not called outside of the guest")
				}
			}()
			_, _ = p.Call(t.Context(), "main", abi.OpDerive, []byte("{}"))
		}()
	}
	if b := bookkeepingOf([]*Plugin{p}); b.Calls != 0 || b.Live[0] != 0 {
		t.Errorf("all calls are over, and the pool counts %+v", b)
	}
}

func TestCloseEndsWaiting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what  string
		close func(*Plugin) error
	}{
		{"plugin", func(p *Plugin) error {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return p.Close(ctx)
		}},
		{"runtime", func(p *Plugin) error { return p.runtime.Close(context.Background()) }},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRuntime(t, Config{})
			r.pool.cores = 1
			p := loadSpreaders(t, r, 1)[0]
			_, i := borrow(t, p)
			waits := callSoon(t.Context(), p)
			closed := make(chan error)
			go func() { closed <- c.close(p) }()
			if err := waits(); !errors.Is(err, ErrClosed) {
				t.Errorf("the %s was closed, and the call got %v", c.what, err)
			}
			if err := <-closed; err != nil {
				t.Error(err)
			}
			// The instance was taken without entering the plugin, so that closing did not wait for
			// it.
			r.pool.drop(i)
		})
	}
}

func TestInstanceIsReplacedBehindItsLastUse(t *testing.T) {
	t.Parallel()
	p := loadSpreaders(t, newRuntime(t, Config{}), 1)[0]
	for range maxUses - 1 {
		if _, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(canaryFor('.', 1))); err != nil {
			t.Fatal(err)
		}
	}
	settle(t, p.runtime.pool)
	wantLive(t, []*Plugin{p}, 0, 1)
	mustCall(t, p)
	wantLive(t, []*Plugin{p}, 0, 0)
	mustCall(t, p)
	wantLive(t, []*Plugin{p}, 0, 1)
}

func TestIdleHostGivesMemoryBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRuntime(t, Config{IdleTimeout: time.Minute})
		plugins := loadSpreaders(t, r, 2)
		mustCall(t, plugins[0])
		time.Sleep(40 * time.Second)
		mustCall(t, plugins[1])
		wantLive(t, plugins, 0, 1, 1)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		wantLive(t, plugins, 0, 0, 1)
		time.Sleep(31 * time.Second)
		synctest.Wait()
		wantLive(t, plugins, 0, 0, 0)
		// Use begins the time again.
		mustCall(t, plugins[1])
		time.Sleep(40 * time.Second)
		mustCall(t, plugins[1])
		time.Sleep(59 * time.Second)
		synctest.Wait()
		wantLive(t, plugins, 0, 0, 1)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantLive(t, plugins, 0, 0, 0)
		if bookkeepingOf(plugins).Sweeps {
			t.Error("nothing is idle, and a timer runs")
		}
		mustCall(t, plugins[0])
		wantLive(t, plugins, 0, 1, 0)
	})
}

func TestLaw11_MemoryBudget(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{MemoryBudget: 3*spreaderBytes + 4*spreaderSnapshot + 1})
	plugins := loadSpreaders(t, r, 4)
	for _, p := range plugins[:3] {
		mustCall(t, p)
	}
	wantLive(t, plugins, 0, 1, 1, 1, 0)
	mustCall(t, plugins[0])
	mustCall(t, plugins[3])
	// The second was used least recently.
	wantLive(t, plugins, 0, 1, 0, 1, 1)
	mustCall(t, plugins[1])
	wantLive(t, plugins, 0, 1, 1, 0, 1)
}

func TestCallsWaitForMemoryInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRuntime(t, Config{MemoryBudget: 3*spreaderBytes + 2*spreaderSnapshot})
		r.pool.cores = 4
		plugins := loadSpreaders(t, r, 2)
		large := spreader()
		large.pages = 2 * spreaderSnapshot / pageSize
		plugins = append(plugins, load(t, r, jsonManifest(), large.build()))
		_, first := borrow(t, plugins[0])
		_, second := borrow(t, plugins[1])
		third := callSoon(t.Context(), plugins[2])
		again := callSoon(t.Context(), plugins[0])
		for _, result := range []func() error{third, again} {
			// There is memory for another small one, but the large one came first.
			if err := result(); !errors.Is(err, errStillWaits) {
				t.Errorf("too much memory is in use, and got %v", err)
			}
		}
		r.pool.release(first)
		for _, result := range []func() error{third, again} {
			if err := result(); err != nil {
				t.Errorf("memory was given back, and got %v", err)
			}
		}
		// What was given back had to make room for the large one, and that for the last call.
		wantLive(t, plugins, 1, 1, 1, 0)
		r.pool.release(second)
	})
}

// A budget below what one instance takes allows one at a time.
func TestBudgetOfNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRuntime(t, Config{MemoryBudget: 1})
		plugins := loadSpreaders(t, r, 2)
		_, first := borrow(t, plugins[0])
		waits := callSoon(t.Context(), plugins[1])
		if err := waits(); !errors.Is(err, errStillWaits) {
			t.Errorf("another instance is in use, and got %v", err)
		}
		r.pool.release(first)
		if err := waits(); err != nil {
			t.Errorf("the other instance was given back, and got %v", err)
		}
	})
}

// What a guest takes while it runs counts, and makes others' instances go.
func TestGrowthCounts(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{MemoryBudget: 2*spreaderBytes + 2*spreaderSnapshot})
	plugins := loadSpreaders(t, r, 2)
	mustCall(t, plugins[1])
	ctx, i := borrow(t, plugins[0])
	wantLive(t, plugins, 1, 1, 1)
	if _, err := i.exchange(ctx, abi.OpDerive, []byte(canaryFor('g', 1))); err != nil {
		t.Fatal(err)
	}
	want := bookkeeping{Live: []int{1, 1}, Used: 2*spreaderBytes + pageSize, Calls: 1, Sweeps: true}
	if diff := cmp.Diff(want, bookkeepingOf(plugins)); diff != "" {
		t.Errorf("bookkeeping after the growth (-want +got):\n%s", diff)
	}
	// Whatever happens next in the pool makes room.
	r.pool.mu.Lock()
	r.pool.unlock(r.pool.dispatch())
	want.Live, want.Used = []int{1, 0}, spreaderBytes+pageSize
	if diff := cmp.Diff(want, bookkeepingOf(plugins)); diff != "" {
		t.Errorf("bookkeeping after making room (-want +got):\n%s", diff)
	}
	r.pool.release(i)
	settle(t, r.pool)
	// What it grew by stays in memory for its next call.
	want.Calls = 0
	if diff := cmp.Diff(want, bookkeepingOf(plugins)); diff != "" {
		t.Errorf("bookkeeping after putting it back (-want +got):\n%s", diff)
	}
}

// A call that finds an instance that no one put back does so itself.
func TestCallPutsBackWhatItFinds(t *testing.T) {
	t.Parallel()
	for name, m := range everyMemories(t) {
		p := loadWith(t, Config{}, m, jsonManifest(), spreader().build())
		ctx, i := borrow(t, p)
		canary := canaryFor('.', 1)
		if _, err := i.exchange(ctx, abi.OpDerive, []byte(canary)); err != nil {
			t.Fatal(err)
		}
		i.dirty = true
		p.instances.pool.mu.Lock()
		p.instances.pool.calls--
		p.instances.pool.shelve(i)
		p.instances.pool.mu.Unlock()
		if len(idleMemories(t, p)) != 0 {
			t.Errorf("%s: what was not put back passes for clean", name)
		}
		_, next := borrow(t, p)
		if next != i {
			t.Errorf("%s: another instance was made", name)
		}
		if at := firstDifference(next.memory.buffer, p.instances.first.memory.bytes()); at >= 0 {
			t.Errorf("%s: byte %d was not put back", name, at)
		}
		p.instances.pool.release(next)
	}
}

// Only the first instance initialises itself. All have the same memory, globals and clock, and
// serve the same calls.
func TestInstancesAreAlike(t *testing.T) {
	t.Parallel()
	for name, m := range everyMemories(t) {
		// Initialising grows the memory, writes to what grew, changes a global and logs.
		guest := guestModule{}
		log := guest.ImportFunction(abi.ImportModule, abi.ImportLog, i32x3, noTypes)
		guest.Data(2048, []byte("initialised"))
		guest.GlobalInt32(1)
		initialize := guest.Function(noTypes, noTypes, 0, wasmbuild.Body(
			wasmbuild.Int32(1), wasmbuild.MemoryGrow, 0, wasmbuild.Drop,
			wasmbuild.Int32(2*pageSize), wasmbuild.Int32(2*pageSize), wasmbuild.I32Store, 2, 0,
			wasmbuild.GlobalGet, 0, wasmbuild.Int32(41), wasmbuild.I32Add, wasmbuild.GlobalSet, 0,
			wasmbuild.Int32(1), wasmbuild.Int32(2048), wasmbuild.Int32(11), wasmbuild.Call, int(log),
		))
		guest.Export(abi.ExportInitialize, wasmbuild.Function, initialize)
		// It answers with the global and with what was written.
		guest.call = wasmbuild.Body(
			wasmbuild.Int32(answerAt), wasmbuild.GlobalGet, 0, wasmbuild.I32Store, 2, 0,
			wasmbuild.Int32(answerAt), wasmbuild.Int32(2*pageSize), wasmbuild.I32Load, 2, 0, wasmbuild.I32Store, 2, 4,
			wasmbuild.GlobalGet, 0, wasmbuild.Int32(1), wasmbuild.I32Add, wasmbuild.GlobalSet, 0,
			packed(answerAt, 8),
		)
		var written messages
		p := loadWith(t, Config{Log: written.add}, m, jsonManifest(), guest.build())
		p.runtime.pool.cores = 3
		var all []*instance
		for range 3 {
			ctx, i := borrow(t, p)
			all = append(all, i)
			answer, err := i.exchange(ctx, abi.OpDerive, []byte("{}"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]byte{42, 0, 0, 0, 0, 0, 2, 0}, answer); diff != "" {
				t.Errorf("%s: answer of instance %d (-want +got):\n%s", name, len(all), diff)
			}
		}
		if diff := cmp.Diff([]string{"info: initialised"}, written.texts()); diff != "" {
			t.Errorf("%s: log (-want +got):\n%s", name, diff)
		}
		for _, i := range all {
			p.instances.pool.release(i)
		}
		if got := len(idleMemories(t, p)); got != 3 {
			t.Errorf("%s: %d instances were kept, want 3", name, got)
		}
	}
}

// 64 goroutines share four plugins, little memory and two cores, while guests trap, grow, run out
// of time, are cancelled, and plugins close.
func TestPoolUnderLoad(t *testing.T) {
	t.Parallel()
	for name, m := range everyMemories(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := New(t.Context(), Config{MemoryBudget: 5 * spreaderBytes, IdleTimeout: time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.memories.close(); err != nil {
				t.Fatal(err)
			}
			r.memories, r.pool.cores = unclosed{m}, 3
			plugins := loadSpreaders(t, r, 3)
			endless := jsonManifest()
			endless.Limits.TimeoutMillis = 3
			plugins = append(plugins, load(t, r, endless, (&guestModule{call: forever()}).build()))

			var answered, ended atomic.Int64
			var wg sync.WaitGroup
			for g := range 64 {
				wg.Go(func() {
					random := rand.New(rand.NewPCG(uint64(g), 0))
					for n := range 20 {
						if g == 0 && n == 10 {
							if err := plugins[0].Close(t.Context()); err != nil {
								t.Error(err)
							}
						}
						if callAtRandom(t, plugins, random, g*1000+n) {
							answered.Add(1)
						} else {
							ended.Add(1)
						}
					}
				})
			}
			wg.Wait()
			if answered.Load() < 100 || ended.Load() < 100 {
				t.Errorf("%d calls were answered and %d ended otherwise", answered.Load(), ended.Load())
			}
			if b := bookkeepingOf(plugins); b.Calls != 0 || b.Waiting != 0 || b.Live[0] != 0 {
				t.Errorf("all calls are over, and the pool counts %+v", b)
			}
			if err := r.Close(t.Context()); err != nil {
				t.Error(err)
			}
			wantLive(t, plugins, 0, 0, 0, 0, 0)
		})
	}
}

// callAtRandom calls one of the plugins, and reports whether it answered. Whatever it says must fit
// what it was asked.
func callAtRandom(t *testing.T, plugins []*Plugin, random *rand.Rand, n int) (answered bool) {
	// The last one takes its time.
	which, letter := random.IntN(3), "....tg"[random.IntN(6)]
	if random.IntN(12) == 0 {
		which = len(plugins) - 1
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if random.IntN(8) == 0 {
		time.AfterFunc(time.Duration(random.IntN(300))*time.Microsecond, cancel)
	}
	canary := canaryFor(letter, n)
	answer, err := plugins[which].Call(ctx, "main", abi.OpDerive, []byte(canary))
	switch {
	case err == nil:
		if string(answer) != canary || letter == 't' {
			t.Errorf("%s was answered with %s", canary, answer)
		}
		return true
	case errors.Is(err, context.Canceled), which == 0 && errors.Is(err, ErrClosed),
		letter == 't' && errors.Is(err, ErrTrap), which == 3 && errors.Is(err, ErrTimeout):
	default:
		t.Errorf("plugin %d was asked %s, and got %v", which, canary, err)
	}
	return false
}
