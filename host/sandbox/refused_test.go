package sandbox

import (
	"errors"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// An operand beyond what a table or a memory can have is refused or traps at once, as WebAssembly
// says, and does not spend the fuel of a call.
func TestOperandsBeyondEveryBoundCostNothing(t *testing.T) {
	t.Parallel()
	const drop = 0x1a
	null := []byte{wasmbuild.RefNull, wasmbuild.FuncRef}
	for _, c := range []struct {
		name string
		code []byte
		// trap is empty when the instruction answers.
		trap string
	}{
		{"table.grow", wasmbuild.Body(null, wasmbuild.Int32(-1), wasmbuild.TableGrow(), drop), ""},
		{"memory.grow", wasmbuild.Body(wasmbuild.Int32(-1), wasmbuild.MemoryGrow, 0, drop), ""},
		{"table.fill", wasmbuild.Body(wasmbuild.Int32(0), null, wasmbuild.Int32(-1), 0xfc, 0x11, 0), "invalid table access"},
		{"table.copy", wasmbuild.Body(wasmbuild.Int32(0), wasmbuild.Int32(0), wasmbuild.Int32(-1), 0xfc, 0x0e, 0, 0), "invalid table access"},
		{"memory.fill", wasmbuild.Body(wasmbuild.Int32(0), wasmbuild.Int32(0), wasmbuild.Int32(-1), 0xfc, 0x0b, 0), "out of bounds memory access"},
		{"memory.copy", wasmbuild.Body(wasmbuild.Int32(0), wasmbuild.Int32(0), wasmbuild.Int32(-1), 0xfc, 0x0a, 0, 0), "out of bounds memory access"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			guest := &guestModule{answer: `{"abi":1}`}
			guest.Table(1, -1)
			guest.call = wasmbuild.Body(c.code, packed(answerAt, uint32(len(guest.answer))))
			manifest := jsonManifest()
			manifest.Limits.Fuel = 100_000
			p := load(t, newRuntime(t, Config{}), manifest, guest.build())
			_, _, err := p.Measure(t.Context(), "", abi.OpDerive, []byte("{}"))
			switch {
			case c.trap == "" && err != nil:
				t.Error(err)
			case c.trap != "" && (!errors.Is(err, ErrTrap) || !strings.Contains(err.Error(), c.trap)):
				t.Errorf("got %v, want a trap: %s", err, c.trap)
			}
		})
	}
}
