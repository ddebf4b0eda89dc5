package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// maxFuzzedModule keeps compiling, which takes time in proportion, from being most of the work.
const maxFuzzedModule = 32 << 10

// loadSeeds are modules of every shape that the parser knows.
func loadSeeds() [][]byte {
	shaped := func(shape func(g *guestModule)) []byte {
		g := guestModule{answer: "{}"}
		shape(&g)
		return g.build()
	}
	return [][]byte{
		[]byte("\x00asm\x01\x00\x00\x00"),
		chatty(),
		shaped(func(*guestModule) {}),
		shaped(func(g *guestModule) { g.call = forever() }),
		shaped(func(g *guestModule) { g.alloc = []byte{wasmbuild.Unreachable} }),
		shaped(func(g *guestModule) { g.call = wasmbuild.Body(wasmbuild.Call, 1) }),
		shaped(func(g *guestModule) {
			g.GlobalInt32(7)
			g.Global(wasmbuild.I64, wasmbuild.Int64(-1))
			g.call = wasmbuild.Body(wasmbuild.Int32(9), wasmbuild.GlobalSet, 0, wasmbuild.Int64(4), wasmbuild.GlobalSet, 1, packed(answerAt, 2))
		}),
		shaped(func(g *guestModule) {
			g.Table(4, 8)
			f := g.Function(noTypes, noTypes, 1, nil)
			g.Elements(1, f, f)
			g.PassiveElements(f)
			g.Start(f)
			g.call = wasmbuild.Body(wasmbuild.Int32(1), wasmbuild.CallIndirect, wasmbuild.Unsigned(g.Type(nil, nil)), 0,
				wasmbuild.RefNull, wasmbuild.FuncRef, wasmbuild.Int32(2), wasmbuild.TableGrow(), wasmbuild.Drop, packed(answerAt, 2))
		}),
		shaped(func(g *guestModule) {
			g.PassiveData([]byte("passive"))
			g.call = wasmbuild.Body(
				wasmbuild.Int32(9), wasmbuild.Int32(0), wasmbuild.Int32(5), []byte{0xfc, 8, 0, 0},
				wasmbuild.Int32(99), wasmbuild.Int32(9), wasmbuild.Int32(5), []byte{0xfc, 10, 0, 0},
				wasmbuild.Int32(0), wasmbuild.Int32(7), wasmbuild.Int32(1000), []byte{0xfc, 11, 0},
				wasmbuild.Int32(1), wasmbuild.MemoryGrow, 0, wasmbuild.Drop, packed(0, 2))
		}),
		shaped(func(g *guestModule) {
			write := g.ImportFunction(wasiModule, "fd_write", i32x4, i32)
			g.ImportFunction(wasiModule, "random_get", i32x3[:2], i32)
			g.ImportFunction(wasiModule, "poll_oneoff", i32x4, i32)
			g.call = wasmbuild.Body(wasmbuild.Int32(1), wasmbuild.Int32(0), wasmbuild.Int32(1), wasmbuild.Int32(8),
				wasmbuild.Call, wasmbuild.Unsigned(write), wasmbuild.Drop, packed(answerAt, 2))
		}),
		shaped(func(g *guestModule) {
			g.callLocals = 1
			g.call = wasmbuild.Body(wasmbuild.Block, wasmbuild.NoResult, wasmbuild.Block, wasmbuild.NoResult,
				wasmbuild.LocalGet, 2, wasmbuild.BrTable, 2, 0, 1, 0, wasmbuild.End, wasmbuild.LocalGet, 3, wasmbuild.If, wasmbuild.NoResult,
				wasmbuild.Unreachable, wasmbuild.Else, wasmbuild.Int32(1), wasmbuild.LocalSet, 3, wasmbuild.End, wasmbuild.End, packed(answerAt, 2))
		}),
	}
}

// FuzzLoad looks for modules that make the host panic, that are refused for no reason of theirs,
// that run on although their fuel is gone, or that answer something else the next time. The
// publisher is hostile, so that the signature is good.
func FuzzLoad(f *testing.F) {
	for _, wasm := range loadSeeds() {
		f.Add(wasm)
	}
	key, err := release.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	manifest := jsonManifest()
	manifest.Limits = abi.Limits{Fuel: 200_000, MemoryBytes: 1 << 20, TimeoutMillis: abi.MaxTimeoutMillis}
	r := newRuntime(f, Config{})
	f.Fuzz(func(t *testing.T, wasm []byte) {
		if len(wasm) > maxFuzzedModule {
			return
		}
		module, err := signAny(key, manifest, wasm)
		if err != nil {
			// What cannot be released never gets here.
			return
		}
		p, err := r.Load(t.Context(), module)
		if err != nil {
			if !errors.Is(err, ErrContract) || !errors.Is(err, ErrPlugin) {
				t.Errorf("refused with %v", err)
			}
			return
		}
		defer func() {
			if err := p.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		// The first call has a new instance, the others the same again if it came to no harm.
		first := fuzzCall(t, p)
		for range 2 {
			if diff := cmp.Diff(first, fuzzCall(t, p)); diff != "" {
				t.Errorf("the next call differs (-first +next):\n%s", diff)
			}
		}
	})
}

func signAny(key release.PrivateKey, manifest *abi.Manifest, wasm []byte) (*release.Module, error) {
	wasm, err := release.AppendManifestSection(wasm, manifest.CanonicalJSON())
	if err != nil {
		return nil, err
	}
	bundle, err := release.Sign(key, wasm)
	if err != nil {
		return nil, err
	}
	return release.Verify(bundle, wasm, release.Want{
		Publisher: manifest.Publisher, Name: manifest.Name, Version: manifest.Version,
		Digest: release.Digest(wasm), Rule: release.AnyOf(key.Public()),
	})
}

// fuzzed is how a call of a fuzzed module ended.
type fuzzed struct {
	Answer string
	Usage  Usage
	Err    string
}

func fuzzCall(t *testing.T, p *Plugin) fuzzed {
	t.Helper()
	answer, usage, err := p.Measure(t.Context(), "main", abi.OpDerive, []byte("{}"))
	if err == nil {
		return fuzzed{string(answer), usage, ""}
	}
	known := false
	for _, kind := range []error{ErrTrap, ErrFuel, ErrMemory, ErrBadAnswer} {
		known = known || errors.Is(err, kind)
	}
	if !known || !errors.Is(err, ErrPlugin) {
		t.Errorf("ended with %v", err)
	}
	if limit := p.Manifest().Limits.Fuel; usage.Fuel > limit {
		t.Errorf("spent %d of %d", usage.Fuel, limit)
	}
	return fuzzed{"", usage, err.Error()}
}
