package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/wasm-tests/bench/internal/orders"
)

// Bars of the cases about single calls.
const (
	barGuest     = 1.25
	barInterrupt = 1
	barFresh     = 0.03
)

// derivations returns what makes the calls of one orders derivation with call.
func derivations(requests []orders.Request, call func(request []byte) ([]byte, error)) func() error {
	return func() error {
		for _, r := range requests {
			if _, err := call(r.CBOR); err != nil {
				return err
			}
		}
		return nil
	}
}

// sameAnswers makes sure that two ways to call a plugin do the same work.
func sameAnswers(requests []orders.Request, ours, peer func(request []byte) ([]byte, error)) error {
	for i, r := range requests {
		a, err := ours(r.CBOR)
		if err != nil {
			return fmt.Errorf("ours: %w", err)
		}
		b, err := peer(r.CBOR)
		if err != nil {
			return fmt.Errorf("peer: %w", err)
		}
		if !bytes.Equal(a, b) {
			return fmt.Errorf("request %d: the peer answers something else:\nours %x\npeer %x", i, a, b)
		}
	}
	return nil
}

// calls compares two ways to make a plugin's calls of the orders example.
func (f *fixture) calls(plugin string, ours, peer func(request []byte) ([]byte, error)) (pair, error) {
	requests := f.requests[plugin]
	if len(requests) == 0 {
		return pair{}, fmt.Errorf("the orders example does not call %s", plugin)
	}
	if err := sameAnswers(requests, ours, peer); err != nil {
		return pair{}, fmt.Errorf("%s: %w", plugin, err)
	}
	return pair{derivations(requests, ours), derivations(requests, peer), len(requests)}, nil
}

// guestDerive returns what calls a bare guest.
func guestDerive(ctx context.Context, g *bareGuest) func([]byte) ([]byte, error) {
	return func(request []byte) ([]byte, error) { return g.call(ctx, abi.OpDerive, request) }
}

// sandboxDerive returns what calls a plugin in the sandbox.
func sandboxDerive(ctx context.Context, p *sandbox.Plugin) func([]byte) ([]byte, error) {
	return func(request []byte) ([]byte, error) { return p.Call(ctx, "bench", abi.OpDerive, request) }
}

// metered returns a built-in plugin's module with its fuel counted.
func (f *fixture) metered(plugin string) ([]byte, error) {
	m, err := meter.Rewrite(f.modules[plugin].Wasm(), meter.Options{})
	if err != nil {
		return nil, err
	}
	return m.Wasm, nil
}

// bareCache is where bare hosts keep what they compiled.
func (f *fixture) bareCache() string { return f.build("cache", "bench") }

// measureGuest compares guests that count their fuel with the same guests as they are. Nothing but
// the guests differs: both run on the bare engine, without reset.
func measureGuest(ctx context.Context, f *fixture) (rows []row, err error) {
	host, err := newBareHost(ctx, f.bareCache(), false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, host.close()) }()
	// A context that can end is one that the refill has to look at.
	bounded, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, name := range f.called() {
		wasm, err := f.metered(name)
		if err != nil {
			return nil, err
		}
		ours, err := host.load(bounded, wasm)
		if err != nil {
			return nil, err
		}
		peer, err := host.load(ctx, f.modules[name].Wasm())
		if err != nil {
			return nil, err
		}
		p, err := f.calls(name, guestDerive(bounded, ours), guestDerive(ctx, peer))
		if err != nil {
			return nil, err
		}
		o, b, err := f.effort.compare(p)
		if err != nil {
			return nil, err
		}
		rows = append(rows, timeRow("metered guest / bare guest: "+name, barGuest, o, b))
	}
	return rows, nil
}

// measureInterrupt compares whole calls of the sandbox, reset included, with the engine's own way
// to interrupt a guest, without reset.
func measureInterrupt(ctx context.Context, f *fixture) (rows []row, err error) {
	host, err := newBareHost(ctx, f.bareCache(), true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, host.close()) }()
	bounded, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, name := range f.called() {
		peer, err := host.load(bounded, f.modules[name].Wasm())
		if err != nil {
			return nil, err
		}
		p, err := f.calls(name, sandboxDerive(bounded, f.plugin(name)), guestDerive(bounded, peer))
		if err != nil {
			return nil, err
		}
		o, b, err := f.effort.compare(p)
		if err != nil {
			return nil, err
		}
		rows = append(rows, timeRow("isolated call / close-on-context-done without reset: "+name, barInterrupt, o, b))
	}
	return rows, nil
}

// measureFresh compares calls of the sandbox with calls in an instance that is made for the call.
func measureFresh(ctx context.Context, f *fixture) (rows []row, err error) {
	host, err := newBareHost(ctx, f.bareCache(), false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, host.close()) }()
	smallest := (&abi.ValidateRequest{ABI: abi.Version}).AppendCBOR(nil)
	for _, name := range f.called() {
		wasm, err := f.metered(name)
		if err != nil {
			return nil, err
		}
		compiled, err := host.compile(ctx, wasm)
		if err != nil {
			return nil, err
		}
		ours, peer := f.plugin(name), freshGuest{host, compiled}
		orders, err := f.calls(name, sandboxDerive(ctx, ours), func(request []byte) ([]byte, error) {
			return peer.call(ctx, abi.OpDerive, request)
		})
		if err != nil {
			return nil, err
		}
		validate := pair{
			ours: func() error { _, err := ours.Call(ctx, "bench", abi.OpValidate, smallest); return err },
			peer: func() error { _, err := peer.call(ctx, abi.OpValidate, smallest); return err },
		}
		for _, c := range []struct {
			what string
			pair pair
		}{{"orders", orders}, {"smallest request", validate}} {
			o, b, err := f.effort.compare(c.pair)
			if err != nil {
				return nil, err
			}
			rows = append(rows, timeRow("isolated call / fresh instance: "+name+", "+c.what, 0, o, b))
		}
	}
	return append(rows, medianRow("isolated call / fresh instance: median", barFresh, rows)), nil
}

// freshGuest makes an instance for every call.
type freshGuest struct {
	host     *bareHost
	compiled wazero.CompiledModule
}

func (f freshGuest) call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	guest, err := f.host.start(ctx, f.compiled)
	if err != nil {
		return nil, err
	}
	answer, err := guest.call(ctx, op, request)
	return answer, errors.Join(err, guest.module.Close(ctx))
}
