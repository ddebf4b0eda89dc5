package sandbox

import (
	"context"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// Bounds on the instances that a [Runtime] keeps, unless its [Config] sets others.
const (
	// DefaultMemoryBudget is how much memory all instances may have, in bytes: room for some fifty
	// of a plugin in Go, or for three that use all that the contract allows.
	DefaultMemoryBudget = 256 << 20
	// DefaultIdleTimeout is how long an instance waits for its next call. It is long enough for the
	// calls of somebody who works with the host, and for a controller that resyncs every few
	// seconds.
	DefaultIdleTimeout = 30 * time.Second
)

// maxUses is how many calls an instance serves. Making another one takes about as long as some tens
// of calls, so that it costs little at one in a thousand, and it gives back the pages that a rare
// call wrote and that the engine grew.
const maxUses = 1000

// pool bounds the instances of all plugins of one Runtime: those of each plugin by the number of
// cores, and all together by their memory. A caller that has to wait is served in turn.
//
// An instance belongs to the one that takes it, until it is given back. The mutex guards
// bookkeeping only: instances are made, put back and closed without it.
type pool struct {
	budget  uint64
	cores   int
	timeout time.Duration

	mu sync.Mutex
	// plugins are those that were added and not removed.
	plugins []*instances
	queue   []*waiter
	// used is the memory of all instances and snapshots in bytes, live how many instances there
	// are, calls how many a call has, resets how many are put back at this moment or are about to
	// be.
	used                uint64
	live, calls, resets int
	// garbage is what instances left on the heap since the last collection, in bytes.
	garbage uint64
	// sweep runs when the first idle instance has waited long enough; nil while none is idle.
	sweep *time.Timer
}

// waiter is a call that waits for an instance of a plugin.
type waiter struct {
	plugin *instances
	// granted has room for one instance, so that granting never blocks.
	granted chan *instance
}

func newPool(c Config) *pool {
	p := &pool{budget: DefaultMemoryBudget, timeout: DefaultIdleTimeout, cores: runtime.GOMAXPROCS(0)}
	if c.MemoryBudget > 0 {
		p.budget = uint64(c.MemoryBudget)
	}
	if c.IdleTimeout > 0 {
		p.timeout = c.IdleTimeout
	}
	return p
}

// add makes the instances of a plugin part of the pool.
func (p *pool) add(s *instances) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plugins = append(p.plugins, s)
}

// remove closes the instances of a plugin. There must not be any calls, nor be any later.
func (p *pool) remove(s *instances) {
	p.mu.Lock()
	s.removed = true
	p.plugins = slices.DeleteFunc(p.plugins, func(other *instances) bool { return other == s })
	idle := slices.Clone(s.idle)
	for _, i := range idle {
		p.detach(i)
	}
	p.unlock(idle)
	s.inHand.Wait()
}

// close closes the instances of all plugins. There must not be any calls.
func (p *pool) close() {
	p.mu.Lock()
	plugins := slices.Clone(p.plugins)
	p.mu.Unlock()
	for _, s := range plugins {
		s.close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sweep != nil {
		p.sweep.Stop()
		p.sweep = nil
	}
}

// take returns an instance of the plugin for a call: one that waits, or one that has yet to be
// made. It waits in turn when there are too many, or until ctx is done.
func (p *pool) take(ctx context.Context, s *instances) (*instance, error) {
	w := &waiter{plugin: s, granted: make(chan *instance, 1)}
	p.mu.Lock()
	p.queue = append(p.queue, w)
	p.unlock(p.dispatch())
	select {
	case i := <-w.granted:
		return i, nil
	default:
	}
	select {
	case i := <-w.granted:
		return i, nil
	case <-ctx.Done():
		p.leave(w)
		return nil, errInterrupted
	}
}

// leave takes a waiter out of the queue, and gives back what it was granted in the meantime.
func (p *pool) leave(w *waiter) {
	p.mu.Lock()
	p.queue = slices.DeleteFunc(p.queue, func(other *waiter) bool { return other == w })
	var gone []*instance
	select {
	case i := <-w.granted:
		p.calls--
		if i.module == nil {
			p.detach(i)
			gone = append(gone, i)
		} else {
			p.shelve(i)
		}
	default:
	}
	p.unlock(append(gone, p.dispatch()...))
}

// dispatch grants what it can to those who wait, first come, first served. It returns the instances
// that it evicted.
func (p *pool) dispatch() (evicted []*instance) {
	for p.used > p.budget && (p.evict(&evicted) || p.forgetUnused(nil)) {
		// Guests that were running grew.
	}
	// short is true when somebody waits for memory: a later caller must not take what becomes free.
	short := false
	p.queue = slices.DeleteFunc(p.queue, func(w *waiter) bool {
		s := w.plugin
		switch {
		case len(s.idle) > 0:
			p.grant(w, p.unshelve(s))
			return true
		case s.resets > 0 || s.live >= p.cores || short:
			// One that is put back is there sooner than a new one.
			return false
		}
		size := s.making.bytes() + s.expectedMemory()
		for p.used+size > p.budget && (p.evict(&evicted) || p.forgetUnused(s)) {
		}
		// A single instance is more than a small budget allows, and must be possible.
		if short = p.live > 0 && p.used+size > p.budget; short {
			return false
		}
		p.grant(w, p.attach(s))
		return true
	})
	return evicted
}

func (p *pool) grant(w *waiter, i *instance) {
	p.calls++
	w.granted <- i
}

// attach counts an instance that is about to be made.
func (p *pool) attach(s *instances) *instance {
	memory := s.expectedMemory()
	i := &instance{plugin: s, reserved: memory, size: s.making.bytes() + memory}
	s.live++
	p.live++
	p.used += i.size
	return i
}

// detach stops counting an instance. It must be closed after that.
func (p *pool) detach(i *instance) {
	s := i.plugin
	s.idle = slices.DeleteFunc(s.idle, func(other *instance) bool { return other == i })
	s.live--
	p.live--
	p.used -= i.size
	// Anyone who removes the plugin waits until it is closed.
	s.inHand.Add(1)
}

// unlock closes the instances that were detached. A mutex that is held while the engine works would
// stop every call.
func (p *pool) unlock(detached []*instance) {
	p.mu.Unlock()
	for _, i := range detached {
		i.close()
		i.plugin.inHand.Done()
	}
}

// evict detaches the idle instance that was used least recently. It reports whether there was one.
func (p *pool) evict(evicted *[]*instance) bool {
	i := p.oldest()
	if i == nil {
		return false
	}
	p.detach(i)
	*evicted = append(*evicted, i)
	return true
}

// forgetUnused gives up the snapshot of a plugin that has no instances, but not that of the one
// that asks. It reports whether there was one. The next instance of the plugin is made as its first
// one was.
func (p *pool) forgetUnused(asks *instances) bool {
	for _, s := range p.plugins {
		if s != asks && s.live == 0 && s.first != nil {
			p.forget(s)
			return true
		}
	}
	return false
}

// forget gives up the snapshot of a plugin that has no instances.
func (p *pool) forget(s *instances) {
	if s.first != nil {
		p.used -= s.first.size()
		s.first.memory.free()
		s.first = nil
	}
}

// oldest returns the idle instance that was used least recently, or nil.
func (p *pool) oldest() (oldest *instance) {
	for _, s := range p.plugins {
		// Each plugin's are in the order in which they were used.
		if len(s.idle) > 0 && (oldest == nil || s.idle[0].since.Before(oldest.since)) {
			oldest = s.idle[0]
		}
	}
	return oldest
}

// resized counts what an instance has become.
func (p *pool) resized(i *instance, size uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used += size - i.size
	i.size = size
}

// sizeOf returns what an instance has in bytes.
func (p *pool) sizeOf(i *instance) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return i.size
}

// evictAll closes all instances that wait for a call.
func (p *pool) evictAll() {
	p.mu.Lock()
	var evicted []*instance
	for p.evict(&evicted) {
	}
	p.unlock(evicted)
}

// drop closes an instance that a call had.
func (p *pool) drop(i *instance) {
	stacks := i.endCall()
	p.mu.Lock()
	p.learn(i)
	p.calls--
	p.detach(i)
	p.discard(stacks + i.plugin.making.bytes())
	p.unlock(append(p.dispatch(), i))
}

// learn remembers how much memory the call of an instance came to have. The pool must be locked.
func (p *pool) learn(i *instance) {
	i.plugin.mostMemory = max(i.plugin.mostMemory, i.mostMemory)
	i.mostMemory = 0
}

// maxGarbage is how much instances may leave on the heap before it is collected and given back to
// the system. The runtime would collect it when the heap has doubled, and keep the memory for
// minutes.
const maxGarbage = 32 << 20

// discard counts what was left on the heap. The pool must be locked.
func (p *pool) discard(bytes uint64) {
	if p.garbage += bytes; p.garbage < maxGarbage {
		return
	}
	p.garbage = 0
	go debug.FreeOSMemory()
}

// release returns an instance to the pool after a successful call. While a core is idle, putting
// it back is left to that core, so that the caller has its answer sooner.
func (p *pool) release(i *instance) {
	if i.uses++; i.uses >= maxUses || !i.plugin.reusable() {
		p.drop(i)
		return
	}
	i.dirty = true
	stacks := i.endCall()
	p.mu.Lock()
	p.learn(i)
	p.discard(stacks)
	idleCore := p.calls+p.resets < p.cores
	p.calls--
	if idleCore {
		p.shelve(i)
		p.resets++
		i.plugin.inHand.Add(1)
		p.unlock(p.dispatch())
		go p.resetOnIdleCore(i)
		return
	}
	p.beginReset(i)
	p.mu.Unlock()
	p.reset(i)
}

// resetOnIdleCore puts an instance back, unless a call or the end of the plugin came first.
func (p *pool) resetOnIdleCore(i *instance) {
	defer i.plugin.inHand.Done()
	p.mu.Lock()
	p.resets--
	if !slices.Contains(i.plugin.idle, i) || !i.dirty {
		p.mu.Unlock()
		return
	}
	i.plugin.idle = slices.DeleteFunc(i.plugin.idle, func(other *instance) bool { return other == i })
	p.beginReset(i)
	p.mu.Unlock()
	p.reset(i)
}

// beginReset counts an instance that is neither idle nor a call's for as long as it is put back.
func (p *pool) beginReset(i *instance) {
	p.resets++
	i.plugin.resets++
}

// reset puts an instance back and makes it idle.
func (p *pool) reset(i *instance) {
	err := i.reset()
	p.mu.Lock()
	p.resets--
	i.plugin.resets--
	if err != nil || i.plugin.removed {
		p.detach(i)
		p.unlock(append(p.dispatch(), i))
		return
	}
	p.shelve(i)
	p.unlock(p.dispatch())
}

// shelve makes an instance idle.
func (p *pool) shelve(i *instance) {
	i.since = time.Now()
	i.plugin.idle = append(i.plugin.idle, i)
	if p.sweep == nil {
		p.sweep = time.AfterFunc(p.timeout, p.sweepIdle)
	}
}

// unshelve returns the idle instance that a call gets: the latest one, whose memory is the warmest,
// but rather one that was put back.
func (p *pool) unshelve(s *instances) *instance {
	at := len(s.idle) - 1
	for n, i := range s.idle {
		if !i.dirty {
			at = n
		}
	}
	i := s.idle[at]
	s.idle = slices.Delete(s.idle, at, at+1)
	return i
}

// sweepIdle closes the instances that have waited for too long, and comes back for the rest. An
// idle host has none left.
func (p *pool) sweepIdle() {
	p.mu.Lock()
	var swept []*instance
	p.sweep = nil
	for i := p.oldest(); i != nil; i = p.oldest() {
		if left := p.timeout - time.Since(i.since); left > 0 {
			p.sweep = time.AfterFunc(left, p.sweepIdle)
			break
		}
		p.evict(&swept)
	}
	p.unlock(append(swept, p.dispatch()...))
}
