package hostile

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// echoing logs and then answers with its request, so that another call in between that shared its
// memory would show.
func echoing() func(*guest) {
	return func(g *guest) {
		log := g.log()
		g.call = b.Body(invoke(log, 1, scratchAt, 4), asRequest(0))
	}
}

// TestReentrancyFromHostCall calls a plugin again while it waits for a host function: the log is
// what the host does for a guest in the middle of a call. The inner calls have an instance of their
// own, as long as there are any. One that is deeper waits for those outside of it, until its
// context ends.
func TestReentrancyFromHostCall(t *testing.T) {
	depth := runtime.GOMAXPROCS(0)
	var p *sandbox.Plugin
	var level int
	ask := func() {
		level++
		request := bytes.Repeat([]byte{byte('0' + level)}, 100)
		if level > depth {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if _, err := p.Call(ctx, "main", abi.OpDerive, request); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("call %d did not wait: %v", level, err)
			}
			return
		}
		answer, err := p.Call(t.Context(), "main", abi.OpDerive, request)
		if err != nil || !bytes.Equal(answer, request) {
			t.Errorf("asked %q, it answers %q, %v", request, answer, err)
		}
	}
	asked := 0
	r, err := sandbox.New(t.Context(), sandbox.Config{Log: func(sandbox.Message) {
		if asked++; asked <= depth {
			ask()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close(context.Background()) }()
	if p, err = r.Load(t.Context(), assembled(echoing())(t)); err != nil {
		t.Fatal(err)
	}
	ask()
	if asked != depth {
		t.Errorf("%d of %d calls came to log", asked, depth)
	}
}

// TestCloseDuringReentrancy closes the host while a plugin waits for a host function that calls it
// again. The inner call is refused, and closing comes to an end.
func TestCloseDuringReentrancy(t *testing.T) {
	var p *sandbox.Plugin
	var closing sync.WaitGroup
	began := false
	var r *sandbox.Runtime
	var inner error
	r, err := sandbox.New(t.Context(), sandbox.Config{Log: func(sandbox.Message) {
		// The inner calls log, too.
		if began {
			return
		}
		began = true
		closing.Go(func() {
			if err := r.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		for inner == nil {
			_, inner = p.Call(t.Context(), "inner", abi.OpDerive, []byte("{}"))
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if p, err = r.Load(t.Context(), assembled(echoing())(t)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := p.Call(t.Context(), "outer", abi.OpDerive, []byte("{}"))
		closing.Wait()
		done <- err
	}()
	select {
	case <-done:
	case <-time.After(safetyNet):
		t.Fatal("closing and the inner call wait for each other")
	}
	if !errors.Is(inner, sandbox.ErrClosed) {
		t.Errorf("the inner call ended with %v", inner)
	}
}
