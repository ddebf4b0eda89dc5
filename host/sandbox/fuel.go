package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

// fuelSlice is what a guest gets at a time: about a millisecond's worth. The host looks at the context between slices, so
// that it is also how late an interruption can come.
const fuelSlice = 1_000_000

// What the host's work for a guest costs, measured so that a unit is about as much work as an instruction.
const (
	// hostCallFuel is the cost of any call.
	hostCallFuel = 1_000
	// logByteFuel is the cost of a byte that is logged.
	logByteFuel = 20
	// messageByteFuel is the cost of a byte of a host call's request or answer: it is checked, copied and digested.
	messageByteFuel = 20
)

// meterOptions are those of every module.
func meterOptions() meter.Options { return meter.Options{} }

// fuelTank is what one call has left to spend, beyond the slice that the guest is on.
type fuelTank struct{ size, left int64 }

func newFuelTank(l abi.Limits) fuelTank {
	size := l.Fuel
	if size <= 0 {
		size = abi.DefaultFuel
	}
	size = min(size, abi.MaxFuel)
	return fuelTank{size, size}
}

// refill gives a guest its next slice on top of the fuel that it has, which is below 0 when it overspent.
func (t *fuelTank) refill(fuel int64) (int64, bool) {
	slice := min(fuelSlice-fuel, max(t.left, 0))
	t.left -= slice
	fuel += slice
	return fuel, fuel >= 0
}

// spend takes fuel for work of the host. It ends the guest when there is too little.
func (t *fuelTank) spend(n int64) {
	if t.left -= n; t.left < 0 {
		panic(&emptyError{t.size})
	}
}

// emptyError ends a guest that spent its fuel.
type emptyError struct{ size int64 }

func (e *emptyError) Error() string {
	return fmt.Sprintf("it spent its %d units of fuel (limits.fuel of the manifest)", e.size)
}

// provideRefill makes known to the engine what metered modules call when a slice is spent.
func provideRefill(ctx context.Context, engine wazero.Runtime) error {
	_, err := engine.NewHostModuleBuilder(meter.DefaultImportModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(refill), []api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI64}).
		Export(meter.DefaultImportName).
		Instantiate(ctx)
	return err
}

func refill(ctx context.Context, stack []uint64) {
	if ctx.Err() != nil {
		panic(errInterrupted)
	}
	tank := &guestOf(ctx).fuel
	fuel, ok := tank.refill(int64(stack[0]))
	if !ok {
		panic(&emptyError{tank.size})
	}
	stack[0] = uint64(fuel)
}

// outOfFuel reports whether a guest stopped because its fuel was spent.
func outOfFuel(err error) (*emptyError, bool) {
	var empty *emptyError
	return empty, errors.As(err, &empty)
}
