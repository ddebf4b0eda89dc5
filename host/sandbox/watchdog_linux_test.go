package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

const mebibyte = 1 << 20

// watchedPlugins are plugins in a runtime whose watchdog looks when it is told to, and finds what
// the test says.
type watchedPlugins struct {
	*watchdog
	plugins []*Plugin
	reading uint64
	log     messages
}

func watchPlugins(t *testing.T, n int, c WatchdogConfig) *watchedPlugins {
	t.Helper()
	w := &watchedPlugins{reading: 100 * mebibyte}
	c.Interval, c.Read = time.Hour, func() uint64 { return w.reading }
	r := newRuntime(t, Config{Log: w.log.add})
	r.Watch(c)
	w.watchdog, w.plugins = r.watchdog, loadSpreaders(t, r, n)
	return w
}

// begin begins a call of a plugin. It is over when leave is called.
func (w *watchedPlugins) begin(t *testing.T, plugin int) (ctx context.Context, i *instance, leave func()) {
	t.Helper()
	_, i = borrow(t, w.plugins[plugin])
	ctx, unwatch := w.enter(t.Context(), w.plugins[plugin].id, i)
	return ctx, i, func() {
		unwatch()
		w.pool.drop(i)
	}
}

// at looks when the process has so much memory.
func (w *watchedPlugins) at(bytes uint64) {
	w.reading = bytes
	w.look()
}

// wantEnded fails unless exactly those calls were told to end.
func wantEnded(t *testing.T, what string, ended []bool, calls ...context.Context) {
	t.Helper()
	for n, ctx := range calls {
		var end *memoryError
		if got := ctx.Err() != nil; got != ended[n] || got && !errors.As(context.Cause(ctx), &end) {
			t.Errorf("%s: call %d: %v, want that it ended: %t", what, n, context.Cause(ctx), ended[n])
		}
	}
}

// The plugin whose instances grew most ends, with all its calls, and only when the process grew too
// much during one.
func TestWatchdogEndsTheFastest(t *testing.T) {
	t.Parallel()
	w := watchPlugins(t, 2, WatchdogConfig{GrowthBytes: 50 * mebibyte})
	first, _, leaveFirst := w.begin(t, 0)
	second, grows, leaveSecond := w.begin(t, 1)
	third, _, leaveThird := w.begin(t, 1)
	w.at(150 * mebibyte)
	wantEnded(t, "as much as there may be", []bool{false, false, false}, first, second, third)
	grows.hold(10 * mebibyte)
	w.at(151 * mebibyte)
	wantEnded(t, "too much", []bool{false, true, true}, first, second, third)
	w.at(500 * mebibyte)
	wantEnded(t, "while they end", []bool{false, true, true}, first, second, third)
	leaveSecond()
	leaveThird()
	w.at(120 * mebibyte)
	wantEnded(t, "after that", []bool{false}, first)
	// What a call found there is not its doing.
	w.at(140 * mebibyte)
	fourth, _, leaveFourth := w.begin(t, 1)
	w.at(151 * mebibyte)
	wantEnded(t, "too much since the first began", []bool{true, false}, first, fourth)
	leaveFirst()
	leaveFourth()
	if texts := w.log.texts(); len(texts) != 2 || !strings.HasPrefix(texts[0], "warning: plugin acme/web-1@1.2.3: the host ended the call to save itself: the process has 151 MiB of memory, it may have 150 MiB") {
		t.Errorf("it logged %q", texts)
	}
}

// What nothing counts is laid to the call that is there for longest.
func TestWatchdogEndsTheOldest(t *testing.T) {
	t.Parallel()
	w := watchPlugins(t, 2, WatchdogConfig{LimitBytes: 200 * mebibyte, GrowthBytes: 1 << 40})
	first, _, leaveFirst := w.begin(t, 1)
	second, _, leaveSecond := w.begin(t, 0)
	w.at(200 * mebibyte)
	wantEnded(t, "at the limit", []bool{false, false}, first, second)
	w.at(201 * mebibyte)
	wantEnded(t, "above it", []bool{true, false}, first, second)
	leaveFirst()
	w.at(201 * mebibyte)
	wantEnded(t, "still above it", []bool{true}, second)
	leaveSecond()
	w.at(201 * mebibyte)
}

// Instances without a call go first, and that may be enough.
func TestWatchdogMakesRoom(t *testing.T) {
	t.Parallel()
	w := watchPlugins(t, 2, WatchdogConfig{LimitBytes: 200 * mebibyte})
	mustCall(t, w.plugins[1])
	ctx, _, leave := w.begin(t, 0)
	w.config.Read = func() uint64 {
		if bookkeepingOf(w.plugins).Live[1] > 0 {
			return 300 * mebibyte
		}
		return 150 * mebibyte
	}
	w.look()
	wantEnded(t, "an idle instance had it", []bool{false}, ctx)
	leave()
}

// A guest that takes more memory than the process may have gets an error of its own, and the host
// serves the next call.
func TestWatchdogSavesTheProcess(t *testing.T) {
	var filling guestModule
	filling.pages = abi.MaxMemoryBytes / pageSize
	filling.call = wasmbuild.Body(
		wasmbuild.Int32(0), wasmbuild.Int32(1), wasmbuild.Int32(abi.MaxMemoryBytes), []byte{0xfc, 0x0b, 0},
		forever())
	var extism extismGuest
	extism.pages = 900
	extism.derive = wasmbuild.Body(
		wasmbuild.Int32(0), wasmbuild.Int32(1), wasmbuild.Int32(900*pageSize), []byte{0xfc, 0x0b, 0},
		forever())
	r := newRuntime(t, Config{})
	r.Watch(WatchdogConfig{GrowthBytes: 32 * mebibyte, Interval: time.Millisecond})
	generous := func(m *abi.Manifest) { m.Limits = abi.Limits{Fuel: abi.MaxFuel, TimeoutMillis: abi.MaxTimeoutMillis} }
	manifest := jsonManifest()
	generous(manifest)
	good := loadSpreaders(t, r, 1)[0]
	for name, p := range map[string]*Plugin{
		"lattice": load(t, r, manifest, filling.build()),
		"extism":  loadExtismGuest(t, r, generous, &extism),
	} {
		// What other tests left is not to be given back while this one runs.
		residentBytes(t)
		_, err := p.Call(t.Context(), "main", abi.OpDerive, []byte("{}"))
		if !errors.Is(err, ErrMemory) || !errors.Is(err, ErrPlugin) || errors.Is(err, ErrTimeout) {
			t.Errorf("%s: got %v", name, err)
		}
		mustCall(t, good)
	}
}

func TestGroupLimit(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("a/memory.max", "1000\n")
	write("a/b/memory.max", "max\n")
	write("a/b/c/memory.max", "2000\n")
	for membership, want := range map[string]uint64{
		"0::/a/b/c\n":                1000,
		"1:cpu:/\n0::/a/b\n":         1000,
		"0::/\n":                     1<<64 - 1,
		"0::/../../a\n":              1000,
		"4:memory:/a\n":              1<<64 - 1,
		"":                           1<<64 - 1,
		"0::/other/that/is/not/here": 1<<64 - 1,
	} {
		if got := groupLimit(write("cgroup", membership), root); got != want {
			t.Errorf("%q: %d, want %d", membership, got, want)
		}
	}
	if got := groupLimit(filepath.Join(root, "missing"), root); got != 1<<64-1 {
		t.Errorf("without a list of groups: %d", got)
	}
}

func TestSoftMemoryLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit, budget uint64
		want          int64
	}{
		{0, 256 * mebibyte, 0},
		{1024 * mebibyte, 256 * mebibyte, 768 * mebibyte},
		{256 * mebibyte, 256 * mebibyte, 32 * mebibyte},
		{128 * mebibyte, 256 * mebibyte, 16 * mebibyte},
	} {
		if got := SoftMemoryLimit(c.limit, c.budget); got != c.want {
			t.Errorf("limit %d, budget %d: %d, want %d", c.limit, c.budget, got, c.want)
		}
	}
}
