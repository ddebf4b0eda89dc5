package sandbox

import (
	"context"
	"errors"

	"github.com/latticenet/lattice-host/abi"
)

// Usage is what one call took. Making the instance that the call runs in is not part of it, unless
// the call ended there. The same module and the same request take the same on every machine.
type Usage struct {
	// Fuel is in the units of [abi.DefaultFuel]: the guest's instructions and the host's work for
	// them.
	Fuel int64 `json:"fuel"`
	// MemoryBytes is the most memory that the guest had, in bytes. It includes what the instance
	// began with.
	MemoryBytes uint64 `json:"memoryBytes"`
}

// Call is one call that has ended.
type Call struct {
	// Plugin is publisher/name. Version and Step go with it.
	Plugin, Version, Step string
	Op                    abi.Op
	// RequestBytes and AnswerBytes are the sizes of the messages.
	RequestBytes, AnswerBytes int
	Usage                     Usage
	// Err is nil after a good end. The answer may still turn out not to be a valid message.
	Err error
}

// Measure does what [Plugin.Call] does, and tells what the call took, also when it failed. Usage is
// zero when the guest did not come to run.
func (p *Plugin) Measure(ctx context.Context, step string, op abi.Op, request []byte) ([]byte, Usage, error) {
	answer, usage, err := p.call(ctx, step, op, request)
	if err != nil {
		answer, err = nil, p.id.fail(step, err)
	}
	if called := p.runtime.config.Called; called != nil {
		called(Call{
			Plugin: p.id.plugin, Version: p.id.version, Step: step, Op: op,
			RequestBytes: len(request), AnswerBytes: len(answer), Usage: usage, Err: err,
		})
	}
	return answer, usage, err
}

// usage returns what the guest took of the instance that it ran in, and how that ended.
func (i *instance) usage(g *guest, end error) Usage {
	return g.usage(uint64(i.module.Memory().Size()), end)
}

// usage returns what the guest took, and how that ended. A guest that was not met has nothing of
// its slice left.
func (g *guest) usage(memoryBytes uint64, end error) Usage {
	var left int64
	if g.fuel.guest != nil {
		left = int64(g.fuel.guest.Get())
	}
	spent := g.fuel.spent(left)
	switch {
	case errors.Is(end, ErrFuel):
		// What it could not pay for is not counted.
		spent = g.fuel.size
	case end != nil:
		// Where it stopped, a guest has paid for a whole block of instructions, not all of which
		// ran.
		spent = min(spent, g.fuel.size)
	}
	return Usage{Fuel: spent, MemoryBytes: memoryBytes}
}

// WithFuel returns the same plugin with less fuel for each call than its manifest says; more than
// that has no effect. Both share instances, and closing one closes the other. Starting an instance
// keeps the fuel of the manifest. It is for a host that gives a plugin less than it asks for.
func (p *Plugin) WithFuel(fuel int64) *Plugin {
	rationed := *p
	rationed.fuel = max(fuel, 1)
	return &rationed
}
