package sandbox

import (
	"context"
	"sync"
)

// lifetime keeps something open while it is used: end and retire wait for all who entered. Who is
// inside may enter again.
type lifetime struct {
	mu     sync.Mutex
	ended  bool
	inside int
	// empty is closed when no one can be inside any more.
	empty chan struct{}
	// over is done as soon as who is inside shall hurry.
	over   context.Context
	hurry  context.CancelFunc
	ending sync.Once
}

func newLifetime() *lifetime {
	l := &lifetime{empty: make(chan struct{})}
	l.over, l.hurry = context.WithCancel(context.Background())
	return l
}

// enter returns the function to leave with, or [ErrClosed].
func (l *lifetime) enter() (leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil, &outsideError{ErrClosed}
	}
	l.inside++
	return l.leave, nil
}

func (l *lifetime) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inside--; l.ended && l.inside == 0 {
		close(l.empty)
	}
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

// end hurries everyone and does what retire does.
func (l *lifetime) end(last func() error) error {
	l.hurry()
	return l.retire(context.Background(), last)
}

// retire keeps everyone out and runs last once, when all who are inside have left. It does not
// return before that. When ctx is done, they are hurried.
func (l *lifetime) retire(ctx context.Context, last func() error) (err error) {
	l.shut()
	defer context.AfterFunc(ctx, l.hurry)()
	<-l.empty
	l.ending.Do(func() { err = last() })
	return err
}

// shut keeps everyone out.
func (l *lifetime) shut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ended = true
	if l.inside == 0 {
		close(l.empty)
	}
}
