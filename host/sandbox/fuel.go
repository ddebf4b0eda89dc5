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

// DefaultFuelSlice is what a guest gets at a time: about a millisecond's worth.
const DefaultFuelSlice = 1_000_000

// The cost of the host's work for a guest, measured so that a unit is about as much work as an
// instruction.
const (
	// hostCallFuel is the cost of any call.
	hostCallFuel = 1_000
	// answerFuel is the cost of a host call on top: the first reads and counts the plugin's whole
	// store.
	answerFuel = 100_000
	// vectorFuel is the cost of a buffer or a subscription of a call of WASI, whatever it holds.
	vectorFuel = 20
	// logByteFuel is the cost of a byte that is logged.
	logByteFuel = 20
	// messageByteFuel is the cost of a byte of a host call's request or answer: it is checked,
	// copied and digested.
	messageByteFuel = 20
)

// fuelExport is the variable that counts a guest's fuel, see [meter.Module].
const fuelExport = meter.DefaultExportPrefix + "fuel"

// meterOptions are those of every module.
func meterOptions() meter.Options {
	return meter.Options{MaxPages: abi.MaxMemoryBytes / pageSize, MaxElements: maxTableElements}
}

// fuelTank is what one call has left to spend, beyond the slice that the guest is on. All that is
// spent comes from slices.
type fuelTank struct {
	size, left int64
	// rationed says that the host gave less than the manifest asks for.
	rationed bool
	// slice is what the guest gets at a time, and refilled is called before it does, unless it is
	// nil.
	slice    int64
	refilled func(spent int64)
	// guest is the variable in which the guest counts what is left of its slice. It is set at the
	// first host call.
	guest api.MutableGlobal
}

func newFuelTank(l abi.Limits) fuelTank {
	size := l.Fuel
	if size <= 0 {
		size = abi.DefaultFuel
	}
	size = min(size, abi.MaxFuel)
	return fuelTank{size: size, left: size, slice: DefaultFuelSlice}
}

// slices sets how the guest of the call gets its fuel.
func (t *fuelTank) slices(ctx context.Context, c Config) {
	if c.Refilled != nil {
		t.refilled = func(spent int64) { c.Refilled(ctx, spent) }
	}
	if c.FuelSlice > 0 {
		t.slice = c.FuelSlice
	}
}

// ration lowers what a full tank holds, unless fuel is 0.
func (t *fuelTank) ration(fuel int64) {
	if fuel > 0 && fuel < t.size {
		t.size, t.left, t.rationed = fuel, fuel, true
	}
}

// spent returns what was taken, when the guest has so much of its slice.
func (t *fuelTank) spent(fuel int64) int64 { return t.size - t.left - fuel }

// refill gives a guest its next slice on top of the fuel that it has, which is below 0 when it
// overspent.
func (t *fuelTank) refill(fuel int64) (int64, bool) {
	slice := min(t.slice-fuel, max(t.left, 0))
	t.left -= slice
	fuel += slice
	return fuel, fuel >= 0
}

// announce tells the host that a guest that has so much fuel is about to get its next slice.
func (t *fuelTank) announce(fuel int64) {
	if t.refilled != nil {
		t.refilled(t.spent(fuel))
	}
}

// bind finds the fuel variable of the guest that calls the host, unless it is known already.
func (t *fuelTank) bind(m api.Module) {
	if t.guest == nil {
		t.guest, _ = m.ExportedGlobal(fuelExport).(api.MutableGlobal)
	}
}

// settle refuses what a guest did that has ended with so much fuel, when it overspent: it does not
// check fuel once more where it ends.
func (t *fuelTank) settle(fuel int64) error {
	if fuel < 0 && t.left+fuel < 0 {
		return &emptyError{size: t.size, rationed: t.rationed}
	}
	return nil
}

// take takes fuel before there is a guest that counts.
func (t *fuelTank) take(n int64) error {
	if n > t.left {
		t.left = 0
		return &emptyError{size: t.size, rationed: t.rationed, making: n}
	}
	t.left -= n
	return nil
}

// spend takes fuel for work of the host from the guest's slice, as if the guest had spent it: what
// is enough for a call must not depend on how it is sliced. It ends the guest when there is too
// little.
func (t *fuelTank) spend(n int64) {
	fuel := int64(t.guest.Get()) - n
	if fuel < 0 {
		t.announce(fuel)
		var ok bool
		if fuel, ok = t.refill(fuel); !ok {
			panic(&emptyError{size: t.size, rationed: t.rationed})
		}
	}
	t.guest.Set(uint64(fuel))
}

// emptyError ends a guest that spent its fuel.
type emptyError struct {
	size     int64
	rationed bool
	// making is what making an instance costs, when that alone is more.
	making int64
}

func (e *emptyError) Error() string {
	source := "limits.fuel of the manifest"
	if e.rationed {
		source = "less than limits.fuel of the manifest, by the host's choice"
	}
	if e.making > 0 {
		return fmt.Sprintf("making an instance takes %d units of fuel, it may spend %d (%s)", e.making, e.size, source)
	}
	return fmt.Sprintf("it spent its %d units of fuel (%s)", e.size, source)
}

// provideRefill makes known to the engine what metered modules call when a slice is spent.
func provideRefill(ctx context.Context, engine wazero.Runtime) error {
	_, err := engine.NewHostModuleBuilder(meter.DefaultImportModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(refill), []api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI64}).
		Export(meter.DefaultImportName).
		Instantiate(ctx)
	return err
}

func refill(ctx context.Context, m api.Module, stack []uint64) {
	g := guestOf(ctx)
	tank := &g.fuel
	tank.bind(m)
	g.stacks.look(ctx)
	tank.announce(int64(stack[0]))
	if ctx.Err() != nil {
		panic(errInterrupted)
	}
	fuel, ok := tank.refill(int64(stack[0]))
	if !ok {
		panic(&emptyError{size: tank.size, rationed: tank.rationed})
	}
	stack[0] = uint64(fuel)
}

// outOfFuel reports whether a guest stopped because its fuel was spent.
func outOfFuel(err error) (*emptyError, bool) {
	var empty *emptyError
	return empty, errors.As(err, &empty)
}
