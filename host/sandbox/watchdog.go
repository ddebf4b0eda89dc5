package sandbox

import (
	"context"
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"sync"
	"time"
)

// DefaultWatchInterval is how often a [Runtime] that is watched looks at the memory of the process.
const DefaultWatchInterval = 25 * time.Millisecond

// growthPerBudget is how many times the budget the process may grow while one call runs.
const growthPerBudget = 4

// WatchdogConfig configures what [Runtime.Watch] does.
type WatchdogConfig struct {
	// LimitBytes is how much memory the process may have, in bytes. 0 sets no limit.
	LimitBytes uint64
	// GrowthBytes is how much more memory the process may come to have while one call runs, in
	// bytes. 0 is four times the memory budget.
	GrowthBytes uint64
	// Interval is how often the memory is read. 0 is [DefaultWatchInterval].
	Interval time.Duration
	// Read returns how much memory the process has, in bytes. Nil reads what is resident, or what
	// Go's runtime holds where the system does not say.
	Read func() uint64
}

// watchdog ends calls before the process has more memory than it may. It is the last resort:
// everything that guests are known to be able to take is counted or bounded before.
type watchdog struct {
	config WatchdogConfig
	pool   *pool
	warn   func(string)
	// stop ends watching, and stopped is closed when it has ended.
	stop    context.CancelFunc
	stopped chan struct{}

	mu sync.Mutex
	// memory is the last reading in bytes.
	memory uint64
	// calls are those that run, the oldest first.
	calls []*watchedCall
}

// watchedCall is a call that runs.
type watchedCall struct {
	plugin   identity
	instance *instance
	// before is what the process had when it began, in bytes; size what the instance had at the
	// last look.
	before, size uint64
	cancel       context.CancelCauseFunc
	// ended is true once the call was told to end.
	ended bool
}

// Watch reads the memory of the process from now on, until the Runtime is closed. When there is
// more than there may be, or much more than when a call began, instances without a call are closed
// and the heap is collected; if that does not do, the calls of the plugin whose instances grew
// fastest end, one plugin at a time. Their error wraps [ErrMemory].
//
// It must be called once, before any call. It changes nothing for the rest of the process: a soft
// limit for Go's runtime is for the program to set, see [SoftMemoryLimit].
func (r *Runtime) Watch(c WatchdogConfig) {
	if c.GrowthBytes == 0 {
		c.GrowthBytes = growthPerBudget * r.pool.budget
	}
	if c.Interval == 0 {
		c.Interval = DefaultWatchInterval
	}
	if c.Read == nil {
		c.Read = processMemory
	}
	ctx, stop := context.WithCancel(context.Background())
	r.watchdog = &watchdog{config: c, pool: r.pool, warn: r.warn, stop: stop, stopped: make(chan struct{})}
	r.watchdog.memory = c.Read()
	go r.watchdog.run(ctx)
}

func (w *watchdog) run(ctx context.Context) {
	defer close(w.stopped)
	tick := time.NewTicker(w.config.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.look()
		}
	}
}

// close ends watching. A Runtime that is not watched has none.
func (w *watchdog) close() {
	if w != nil {
		w.stop()
		<-w.stopped
	}
}

// memoryError says why a call was ended.
type memoryError struct{ has, may uint64 }

func (e *memoryError) Error() string {
	return fmt.Sprintf("the host ended the call to save itself: the process has %s of memory, it may have %s, and this plugin grew fastest",
		byteSize(e.has), byteSize(e.may))
}

// enter watches a call until leave is called. The context that it returns ends with the call.
func (w *watchdog) enter(ctx context.Context, id identity, i *instance) (watched context.Context, leave func()) {
	if w == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	c := &watchedCall{plugin: id, instance: i, cancel: cancel}
	w.mu.Lock()
	defer w.mu.Unlock()
	c.before = w.memory
	w.calls = append(w.calls, c)
	return ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls = slices.DeleteFunc(w.calls, func(other *watchedCall) bool { return other == c })
		cancel(nil)
	}
}

// look reads the memory and does what is needed.
func (w *watchdog) look() {
	if !w.tooMuch(w.config.Read()) {
		return
	}
	w.pool.evictAll()
	debug.FreeOSMemory()
	if has := w.config.Read(); w.tooMuch(has) {
		w.endFastest(has)
	}
}

// may returns how much memory the process may have because of a call.
func (w *watchdog) may(c *watchedCall) uint64 {
	may := c.before + w.config.GrowthBytes
	if limit := w.config.LimitBytes; limit > 0 {
		may = min(may, limit)
	}
	return may
}

// tooMuch notes a reading, and reports whether a call must end because of it. None must while one
// that was told to has not.
func (w *watchdog) tooMuch(has uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.memory = has
	if slices.ContainsFunc(w.calls, func(c *watchedCall) bool { return c.ended }) {
		return false
	}
	over := slices.ContainsFunc(w.calls, func(c *watchedCall) bool { return has > w.may(c) })
	if !over {
		w.measure()
	}
	return over
}

// measure notes what the instances of all calls have.
func (w *watchdog) measure() {
	for _, c := range w.calls {
		c.size = w.pool.sizeOf(c.instance)
	}
}

// endFastest ends the calls of the plugin whose instances grew most since the last look that found
// nothing. Of several that grew alike, which is so when what grows is not counted, the one that was
// called first.
func (w *watchdog) endFastest(has uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	grown := map[identity]int64{}
	for _, c := range w.calls {
		grown[c.plugin] += int64(w.pool.sizeOf(c.instance)) - int64(c.size)
	}
	var fastest *watchedCall
	for _, c := range w.calls {
		if has > w.may(c) && (fastest == nil || grown[c.plugin] > grown[fastest.plugin]) {
			fastest = c
		}
	}
	if fastest == nil {
		return
	}
	end := &memoryError{has: has, may: w.may(fastest)}
	for _, c := range w.calls {
		if c.plugin == fastest.plugin {
			c.ended = true
			c.cancel(end)
		}
	}
	w.warn(fmt.Sprintf("plugin %s: %v", fastest.plugin.reference(), end))
}

// goMemory returns what Go's runtime has from the system, in bytes.
func goMemory() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}

// limitShare is the part of the machine's memory that a process may have, as a fraction.
const (
	limitShare = 4
	limitOf    = 5
)

// MemoryLimit returns how much memory the process may have before the system ends it, in bytes,
// with some left over: four fifths of what the machine has or the control group allows. 0 says that
// the system does not tell.
func MemoryLimit() uint64 { return availableMemory() / limitOf * limitShare }

// SoftMemoryLimit returns what a program that runs plugins with a memory budget may give
// [debug.SetMemoryLimit], in bytes: what of limit the instances do not take, because their memory
// is not the runtime's, and at least an eighth of limit. Below 1, set no limit.
func SoftMemoryLimit(limit, budget uint64) int64 {
	if limit == 0 {
		return 0
	}
	return int64(max(limit-min(budget, limit), limit/8))
}
