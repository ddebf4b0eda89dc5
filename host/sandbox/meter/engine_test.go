package meter_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

// errOutOfFuel ends a guest that the test's host gives no more fuel.
var errOutOfFuel = errors.New("out of fuel")

// slice is what the test's host grants at once, about what runs in a millisecond.
const slice = 1_000_000

// tank is the host's side of fuel.
type tank struct {
	// left is what the host may still grant, granted what it has.
	left, granted int64
	refills       int
}

func (k *tank) refill(_ context.Context, _ api.Module, stack []uint64) {
	k.refills++
	fuel := int64(stack[0])
	grant := min(max(slice, -fuel), k.left)
	k.left -= grant
	k.granted += grant
	if fuel += grant; fuel < 0 {
		panic(errOutOfFuel)
	}
	stack[0] = uint64(fuel)
}

func config() wazero.RuntimeConfig {
	return wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2).WithDebugInfoEnabled(false)
}

// interpreter is for tests that need no machine code: compiling is little more than validating
// then.
func interpreter() wazero.RuntimeConfig {
	return wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2).WithDebugInfoEnabled(false)
}

// newEngine returns a runtime with WASI and the host's side of the meter.
func newEngine(t testing.TB, c wazero.RuntimeConfig, k *tank) wazero.Runtime {
	t.Helper()
	return newEngineWith(t, c, k.refill)
}

func newEngineWith(t testing.TB, c wazero.RuntimeConfig, refill api.GoModuleFunc) wazero.Runtime {
	t.Helper()
	r := wazero.NewRuntimeWithConfig(t.Context(), c)
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	wasi_snapshot_preview1.MustInstantiate(t.Context(), r)
	i64 := []api.ValueType{api.ValueTypeI64}
	_, err := r.NewHostModuleBuilder(meter.DefaultImportModule).NewFunctionBuilder().
		WithGoModuleFunction(refill, i64, i64).Export(meter.DefaultImportName).
		Instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// spent returns the fuel that an instance has used since the tank was fresh.
func (k *tank) spent(t testing.TB, i api.Module, m *meter.Module) int64 {
	t.Helper()
	fuel := i.ExportedGlobal(m.FuelExport)
	if fuel == nil || fuel.Type() != api.ValueTypeI64 {
		t.Fatalf("the fuel is exported as %v", fuel)
	}
	return k.granted - int64(fuel.Get())
}

func rewrite(t testing.TB, wasm []byte) *meter.Module {
	t.Helper()
	m, err := meter.Rewrite(wasm, meter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// instantiate runs a module without calling any function but its start function.
func instantiate(t testing.TB, r wazero.Runtime, wasm []byte) api.Module {
	t.Helper()
	i, err := r.InstantiateWithConfig(t.Context(), wasm, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		t.Fatal(err)
	}
	return i
}
