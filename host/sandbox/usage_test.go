package sandbox

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// chatty counts to 100,000 and logs a few bytes before and after it, so that both the guest and the
// host spend fuel.
func chatty() []byte {
	var g guestModule
	log := g.ImportFunction(abi.ImportModule, abi.ImportLog, i32x3, noTypes)
	say := wasmbuild.Body(wasmbuild.Int32(1), wasmbuild.Int32(answerAt), wasmbuild.Int32(2), wasmbuild.Call, wasmbuild.Unsigned(log))
	g.answer = "{}"
	g.callLocals = 1
	g.call = wasmbuild.Body(
		say, wasmbuild.Int32(100_000), wasmbuild.LocalSet, 3,
		wasmbuild.Loop, wasmbuild.NoResult,
		wasmbuild.LocalGet, 3, wasmbuild.Int32(1), []byte{0x6b}, wasmbuild.LocalTee, 3, wasmbuild.BrIf, 0,
		wasmbuild.End,
		wasmbuild.Int32(3), wasmbuild.MemoryGrow, 0, wasmbuild.Drop,
		say, packed(answerAt, 2),
	)
	return g.build()
}

// What a call takes depends on nothing but the call, least of all on how its fuel is sliced, and is
// just what it needs.
func TestMeasure(t *testing.T) {
	t.Parallel()
	var all []Usage
	for _, slice := range []int64{0, 1, 1_000, 50_000} {
		p := load(t, newRuntime(t, Config{FuelSlice: slice}), jsonManifest(), chatty())
		for range 2 {
			answer, usage, err := p.Measure(t.Context(), "main", abi.OpDerive, []byte("{}"))
			if err != nil || string(answer) != "{}" {
				t.Fatalf("slices of %d: %q, %v", slice, answer, err)
			}
			all = append(all, usage)
		}
		need := all[0].Fuel
		if _, usage, err := p.WithFuel(need).Measure(t.Context(), "main", abi.OpDerive, []byte("{}")); err != nil || usage != all[0] {
			t.Errorf("slices of %d: with just the %d units that it takes: %+v, %v", slice, need, usage, err)
		}
		for _, less := range []int64{1, 1_000} {
			_, usage, err := p.WithFuel(need-less).Measure(t.Context(), "main", abi.OpDerive, []byte("{}"))
			if !errors.Is(err, ErrFuel) || usage.Fuel != need-less {
				t.Errorf("slices of %d: with %d too little: %+v, %v", slice, less, usage, err)
			}
		}
	}
	for _, usage := range all[1:] {
		if diff := cmp.Diff(all[0], usage); diff != "" {
			t.Errorf("the same call took something else (-first +later):\n%s", diff)
		}
	}
	// Five instructions a round, three pages on top of the guest's two, two messages of two bytes,
	// and a little more.
	least := int64(5*100_000 + 3*8192 + 2*(hostCallFuel+2*logByteFuel))
	if got := all[0]; got.Fuel < least || got.Fuel > least+100_000+100 || got.MemoryBytes != 5*pageSize {
		t.Errorf("took %+v, want about %d units and %d bytes", got, least, 5*pageSize)
	}
}

// A guest that spends its last units where nothing checks them has no answer, as one that is
// stopped.
func TestOverspendingIsAnError(t *testing.T) {
	t.Parallel()
	straight := func(n int) []byte {
		var code []byte
		for range n {
			code = append(code, wasmbuild.Body(wasmbuild.Int32(1), wasmbuild.Drop)...)
		}
		return code
	}
	for reason, g := range map[string]guestModule{
		"in the call":        {call: append(straight(20), packed(answerAt, 2)...)},
		"in alloc":           {alloc: append(straight(20), wasmbuild.Int32(requestAt)...)},
		"in a long function": {call: append(straight(20_000), packed(answerAt, 2)...)},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			g.answer = "{}"
			p := load(t, newRuntime(t, Config{}), jsonManifest(), g.build())
			_, usage, err := p.Measure(t.Context(), "main", abi.OpDerive, []byte("{}"))
			if err != nil {
				t.Fatal(err)
			}
			for _, fuel := range []int64{usage.Fuel - 1, 1} {
				answer, _, err := p.WithFuel(fuel).Measure(t.Context(), "main", abi.OpDerive, []byte("{}"))
				if !errors.Is(err, ErrFuel) || answer != nil {
					t.Errorf("with %d of %d: %q, %v", fuel, usage.Fuel, answer, err)
				}
			}
		})
	}
}

func TestMeasureFailures(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	p := load(t, r, jsonManifest(), (&guestModule{call: forever()}).build())
	const given = 1_500_000
	_, usage, err := p.WithFuel(given).Measure(t.Context(), "main", abi.OpDerive, []byte("{}"))
	want := fmt.Sprintf("it spent its %d units of fuel (less than limits.fuel of the manifest, by the host's choice)", given)
	if !errors.Is(err, ErrFuel) || !errors.Is(err, ErrPlugin) || lines(err)[0] != "step main: in lattice_v1_call: out of fuel: "+want {
		t.Errorf("got %v", err)
	}
	if usage.Fuel != given {
		t.Errorf("an endless loop spent %d of %d", usage.Fuel, given)
	}
	if _, usage, err := p.Measure(t.Context(), "main", abi.OpDerive, nil); err == nil || usage != (Usage{}) {
		t.Errorf("a request that was refused took %+v, %v", usage, err)
	}
	// More than the manifest says has no effect, and nothing at all is not everything.
	manifest := jsonManifest()
	manifest.Limits.Fuel = given
	p = load(t, r, manifest, (&guestModule{call: forever()}).build())
	for _, fuel := range []int64{given * 2, 0, -1} {
		_, usage, err := p.WithFuel(fuel).Measure(t.Context(), "main", abi.OpDerive, []byte("{}"))
		if most := max(min(fuel, given), 1); !errors.Is(err, ErrFuel) || usage.Fuel > most {
			t.Errorf("with %d: %+v, %v", fuel, usage, err)
		}
	}
}

// A guest is interrupted at whichever slice the host wants, and the next call does not notice.
func TestInterruptAtEverySlice(t *testing.T) {
	t.Parallel()
	var slices, stopAt int
	var stop func()
	p := load(t, newRuntime(t, Config{FuelSlice: 20_000, Refilled: func(context.Context, int64) {
		if slices++; slices == stopAt {
			stop()
		}
	}}), jsonManifest(), chatty())
	whole, usage, err := p.Measure(t.Context(), "main", abi.OpDerive, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	n := slices
	if n < 20 {
		t.Fatalf("the call had %d slices", n)
	}
	for at := 1; at <= n; at++ {
		ctx, cancel := context.WithCancel(t.Context())
		slices, stopAt, stop = 0, at, cancel
		_, part, err := p.Measure(ctx, "main", abi.OpDerive, []byte("{}"))
		if !errors.Is(err, ctx.Err()) || errors.Is(err, ErrPlugin) || part.Fuel > usage.Fuel {
			t.Errorf("at slice %d of %d: %+v, %v", at, n, part, err)
		}
		stopAt = 0
		again, after, err := p.Measure(t.Context(), "main", abi.OpDerive, []byte("{}"))
		if err != nil || string(again) != string(whole) || after != usage {
			t.Errorf("after slice %d: %q, %+v, %v", at, again, after, err)
		}
	}
}
