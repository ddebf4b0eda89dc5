package sandbox

import (
	"context"
	"sync"
)

// lifetime keeps something open while it is used: end waits for everyone who entered.
type lifetime struct {
	mu    sync.RWMutex
	ended bool
	// over is done as soon as end is called, so that who is inside hurries.
	over   context.Context
	hurry  context.CancelFunc
	ending sync.Once
}

func newLifetime() *lifetime {
	l := new(lifetime)
	l.over, l.hurry = context.WithCancel(context.Background())
	return l
}

// enter returns the function to leave with, or [ErrClosed].
func (l *lifetime) enter() (leave func(), err error) {
	l.mu.RLock()
	if l.ended {
		l.mu.RUnlock()
		return nil, &outsideError{ErrClosed}
	}
	return l.mu.RUnlock, nil
}

// bind returns a context that is done when ctx is or when end is called.
func (l *lifetime) bind(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(l.over, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// end runs last once, when everyone has left.
func (l *lifetime) end(last func() error) (err error) {
	l.hurry()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.ending.Do(func() { err = last() })
	return err
}
