package hostile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/conformance"
)

// TestDeterminism checks modules that do all that they can to answer something else the next time:
// they keep state, use the clock and random numbers, grow, trap and loop. Whatever they do, they do
// it again.
func TestDeterminism(t *testing.T) {
	const requests = 4
	h := newHost(t)
	for _, c := range pick(t, "state-in-memory", "state-in-table", "simd-state", "reference-state", "memory-grow-loop", "memory-bomb",
		"unreachable", "divide-by-zero", "endless-recursion", "exit-one", "log-flood", "poll-onto-itself", "nan-of-division",
		"answer-in-request", "clock-outside", "open-everything") {
		t.Run(c.name, func(t *testing.T) {
			first, err := h.load(t.Context(), &c)
			if err != nil {
				t.Fatal(err)
			}
			defer h.unload(t, first)
			second, err := newHost(t).load(t.Context(), &c)
			if err != nil {
				t.Fatal(err)
			}
			var all []conformance.Request
			for i := range requests {
				// Requests differ in length only, which no plugin here looks at but some answer
				// with.
				all = append(all, conformance.Request{Name: fmt.Sprint(i), Op: abi.OpDerive, Data: []byte(strings.Repeat("x", i+1))})
			}
			if err := conformance.CheckDeterminism(t.Context(), first, second, all...); err != nil {
				t.Error(err)
			}
		})
	}
}
