package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/latticenet/lattice-host/abi"
)

// guest is what one call remembers outside of the module's memory: its clock, its random numbers
// and its log. It travels in the context, so that an instance can serve one call after another
// without a trace of the earlier one.
type guest struct {
	log callLog
	// clock is the next reading of the monotonic clock in nanoseconds.
	clock  uint64
	random *rand.ChaCha8
	fuel   fuelTank
	stacks stacks
	// extism is what a module made with an Extism PDK runs in, nil for any other.
	extism *extismCall
	// encoding is that of the messages of host calls.
	encoding abi.Encoding
	// answering is true while the host has the guest make room for the answer to a host call.
	answering bool
}

type guestKey struct{}

func newGuest(id identity, step string, l abi.Limits, to func(Message)) *guest {
	return &guest{
		log: callLog{to: to, from: Message{Plugin: id.plugin, Version: id.version, Step: step}},
		// ChaCha8Rand is specified, so that the numbers are equal everywhere. Any seed does that
		// never changes.
		random: rand.NewChaCha8([32]byte{}),
		fuel:   newFuelTank(l),
	}
}

func withGuest(ctx context.Context, g *guest) context.Context {
	return context.WithValue(ctx, guestKey{}, g)
}

// guestOf returns the guest of the running call.
func guestOf(ctx context.Context) *guest {
	g, _ := ctx.Value(guestKey{}).(*guest)
	if g == nil {
		panic(misuseError("a host function was called outside of a call"))
	}
	return g
}

// exit ends a guest that called proc_exit.
type exit struct{ code uint32 }

func (e *exit) Error() string { return fmt.Sprintf("it exited with code %d", e.code) }

// misuseError ends a guest that used a host function wrongly.
type misuseError string

func (e misuseError) Error() string { return string(e) }

// explain turns an error of the engine into one that says in one line why the guest stopped.
func explain(err error, g *guest, m *linearMemory) error {
	if errors.Is(err, errInterrupted) {
		// The context is done. The caller knows which context it was.
		return errInterrupted
	}
	g.log.flush()
	var failed *hostError
	if errors.As(err, &failed) {
		return &outsideError{failed.err}
	}
	if empty, ok := outOfFuel(err); ok {
		return fmt.Errorf("%w: %w", ErrFuel, empty)
	}
	reason := trapReason(err)
	if words := g.log.words.String(); words != "" {
		reason += ", last message: " + words
	}
	if m.refused {
		return fmt.Errorf("%w, %w: it may have %s (limits.memoryBytes of the manifest): %s",
			ErrTrap, ErrMemory, byteSize(m.limit), reason)
	}
	return fmt.Errorf("%w: %s", ErrTrap, reason)
}

// errInterrupted says that the context ended the guest.
var errInterrupted = errors.New("interrupted")

// trapReason returns why a guest trapped, without the stack that the engine appends.
func trapReason(err error) string {
	var e *exit
	if errors.As(err, &e) {
		return e.Error()
	}
	var misuse misuseError
	if errors.As(err, &misuse) {
		return misuse.Error()
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	// A start function that traps has the engine's words for the place in front.
	if _, after, found := strings.Cut(line, "wasm error: "); found {
		line = after
	}
	return printable(strings.TrimSuffix(line, " (recovered by wazero)"), maxShownLine)
}

// guard runs f and turns a panic, of the engine or of ours, into an error.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the sandbox panicked: %v", r)
		}
	}()
	return f()
}
