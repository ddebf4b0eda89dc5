package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
)

// TestGoGuest proves on a plugin that the Go toolchain built that the runtime starts, that nothing
// of the machine is visible, and that nothing remains in it.
func TestGoGuest(t *testing.T) {
	t.Parallel()
	var log messages
	p := loadGoGuest(t, log.add, nil)
	const request = `{"abi":1}`
	first, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(request))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"op=2 size=9 calls=1 args=[plugin] env=0 time=2000-01-01T00:00:00Z slept=true",
		"open=true create=true stdin=0,EOF",
	} {
		if !strings.Contains(string(first), want) {
			t.Errorf("the answer lacks %q: %s", want, first)
		}
	}
	wantLog := []string{
		"info: hello from the guest", "info: a line on stdout", "warning: a line on stderr without an end",
	}
	if diff := cmp.Diff(wantLog, log.texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if got := log.all[0]; got.Plugin != "acme/web" || got.Version != "1.2.3" || got.Step != "main" {
		t.Errorf("the message comes from %+v", got)
	}
	if _, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(`{"abi":1,"other":true}`)); err != nil {
		t.Fatal(err)
	}
	second, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(request))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(first), string(second)); diff != "" {
		t.Errorf("the same request gave another answer (-first +second):\n%s", diff)
	}
}

func TestGoGuestIsEqualInEveryRuntime(t *testing.T) {
	t.Parallel()
	var answers []string
	for range 2 {
		p := loadGoGuest(t, nil, nil)
		answer, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(`{"abi":1}`))
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, string(answer))
	}
	if answers[0] != answers[1] {
		t.Errorf("two runtimes answered differently:\n%s\n%s", answers[0], answers[1])
	}
}

func TestGoGuestFails(t *testing.T) {
	t.Parallel()
	p := loadGoGuest(t, nil, func(m *abi.Manifest) { m.Limits.MemoryBytes = 16 << 20 })
	for _, c := range []struct {
		reason, request string
		want            []error
		not             error
		text            string
	}{
		{
			reason: "a panic tells its message, not the stack", request: `"do-panic"`,
			want: []error{ErrPlugin, ErrTrap}, not: ErrMemory,
			text: "step main: in lattice_v1_call: trapped: unreachable, last message: panic: the guest had enough",
		},
		{
			reason: "exit is not an answer", request: `"do-exit"`,
			want: []error{ErrPlugin, ErrTrap}, not: ErrMemory,
			text: "step main: in lattice_v1_call: trapped: it exited with code 7",
		},
		{
			reason: "memory ends at the limit of the manifest", request: `"do-hoard"`,
			want: []error{ErrPlugin, ErrTrap, ErrMemory}, not: ErrTimeout,
			text: "step main: in lattice_v1_call: trapped, out of memory: it may have 16 MiB (limits.memoryBytes of the manifest): unreachable, last message: fatal error: out of memory",
		},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			_, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(c.request))
			for _, want := range c.want {
				if !errors.Is(err, want) {
					t.Errorf("the error is not %q: %v", want, err)
				}
			}
			if errors.Is(err, c.not) {
				t.Errorf("the error is %q: %v", c.not, err)
			}
			if diff := cmp.Diff([]string{c.text}, lines(err)); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGoGuestIsInterrupted(t *testing.T) {
	t.Parallel()
	p := loadGoGuest(t, nil, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := p.Call(ctx, "main", abi.OpDerive, []byte(`"do-spin"`))
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrTimeout) || errors.Is(err, ErrPlugin) {
		t.Errorf("the caller's deadline came back as %v", err)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("the guest ran on for %s", took)
	}
}

func TestGoGuestConcurrently(t *testing.T) {
	t.Parallel()
	p := loadGoGuest(t, new(messages).add, nil)
	const goroutines = 16
	answers := make([]string, goroutines)
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			answer, err := p.Call(t.Context(), fmt.Sprint("step-", i), abi.OpDerive, []byte(`{"abi":1}`))
			if err != nil {
				t.Error(err)
			}
			answers[i] = string(answer)
		})
	}
	wg.Wait()
	if distinct := slices.Compact(answers); len(distinct) != 1 {
		t.Errorf("calls at the same time saw each other:\n%s", strings.Join(distinct, "\n"))
	}
}
