package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/hostcall"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// wasiRows are functions of WASI.
func wasiRows() []row {
	with := func(name, function, params string, rounds int, args ...int32) row {
		return imported(name, "wasi_snapshot_preview1", function, params, []byte{b.I32}, rounds, nil, args...)
	}
	// Each buffer or subscription in data has so many bytes, at the start of the memory.
	list := func(r row, function, params string, rounds int, entry []byte, n int, args ...int32) row {
		return imported(r.name, "wasi_snapshot_preview1", function, params, []byte{b.I32}, rounds, slices.Repeat(entry, n), args...)
	}
	buffer := func(size byte) []byte { return []byte{0, 4, 0, 0, size, 0, 0, 0} }
	// A subscription to the monotonic clock.
	subscription := make([]byte, 48)
	subscription[16] = 1
	return []row{
		with("clock_time_get", "clock_time_get", "iIi", 20_000, 1, 0, scratchAt),
		with("sched_yield", "sched_yield", "", 20_000),
		with("args_get", "args_get", "ii", 20_000, scratchAt, scratchAt+64),
		with("fd_filestat_get", "fd_filestat_get", "ii", 20_000, 1, scratchAt),
		with("path_open, which is refused", "path_open", "iiiiiIIii", 20_000, 3, 0, 0, 0, 0, 0, 0, 0, 0),
		with("random_get of nothing", "random_get", "ii", 20_000, scratchAt, 0),
		with("random_get of 64 KiB", "random_get", "ii", 200, dataAt, 64<<10),
		list(row{name: "fd_write of nothing"}, "fd_write", "iiii", 20_000, buffer(0), 0, 1, dataAt, 0, scratchAt),
		list(row{name: "fd_write of 1,024 empty buffers"}, "fd_write", "iiii", 200, buffer(0), 1024, 1, dataAt, 1024, scratchAt),
		list(row{name: "fd_write of 1,024 buffers of a byte"}, "fd_write", "iiii", 200, buffer(1), 1024, 1, dataAt, 1024, scratchAt),
		list(row{name: "fd_write of 1,024 buffers of 64 bytes"}, "fd_write", "iiii", 100, buffer(64), 1024, 1, dataAt, 1024, scratchAt),
		list(row{name: "poll_oneoff for one"}, "poll_oneoff", "iiii", 20_000, subscription, 1, dataAt, 2*dataAt, 1, scratchAt),
		list(row{name: "poll_oneoff for 1,024"}, "poll_oneoff", "iiii", 200, subscription, 1024, dataAt, 3*dataAt, 1024, scratchAt),
	}
}

// hostRows are the functions of the own ABI. Host calls are made no more often than a derivation
// may.
func hostRows() []row {
	log := func(name string, rounds int, text string) row {
		return imported(name, abi.ImportModule, abi.ImportLog, "iii", nil, rounds, []byte(text), 1, dataAt, int32(len(text)))
	}
	call := func(name string, op abi.HostOp, request string) row {
		return imported(name, abi.ImportModule, abi.ImportHostCall, "iii", []byte{b.I64}, abi.MaxHostCalls, []byte(request), int32(op), dataAt, int32(len(request)))
	}
	return []row{
		log("log of nothing", 20_000, ""),
		log("log of 8 KiB", 500, strings.Repeat("x", abi.MaxLogBytes)),
		log("log of 8 KiB that cannot be printed", 500, strings.Repeat("\x00", abi.MaxLogBytes)),
		call("host_call of a malformed request", abi.HostKVGet, "x"),
		call("kv.get in a full store", abi.HostKVGet, `{"key":"k0512"}`),
		call("kv.set in a full store", abi.HostKVSet, `{"key":"k0512","value":"changed"}`),
		call("kv.set of 60 KiB", abi.HostKVSet, `{"key":"k0512","value":"`+strings.Repeat("x", 60<<10)+`"}`),
		call("kv.delete in a full store", abi.HostKVDelete, `{"key":"k0512"}`),
		call("kv.list of a full store", abi.HostKVList, `{"prefix":""}`),
		call("kv.list that finds nothing", abi.HostKVList, `{"prefix":"x"}`),
		call("resources.read", abi.HostResourcesRead, `{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","matchName":"web"}`),
	}
}

// imported returns a row that calls a function of the host with constants. Params are i for i32 and
// I for i64.
func imported(name, module, function, params string, results []byte, rounds int, data []byte, args ...int32) row {
	u := &guest{times: 1, rounds: rounds, data: data}
	var types, push []byte
	for i, p := range params {
		if p == 'I' {
			types, push = append(types, b.I64), append(push, b.Int64(int64(args[i]))...)
			continue
		}
		types, push = append(types, b.I32), append(push, b.Int32(args[i])...)
	}
	u.work = slices.Concat(push, b.Body(b.Call, int(u.ImportFunction(module, function, types, results))))
	if len(results) > 0 {
		u.work = append(u.work, b.Drop)
	}
	return row{name: name, wasm: u.build()}
}

// manifest returns the manifest of every row's plugin: it may use what there is, as long as it
// likes.
func manifest(transport abi.Transport) *abi.Manifest {
	service := abi.GroupKind{Group: "lattice.dev", Kind: "LatticeService"}
	m := &abi.Manifest{
		Schema: abi.ManifestSchema, Publisher: "acme", Name: "fuel", Version: "1.0.0", ABI: abi.Version,
		Encoding: abi.EncodingJSON, Transport: transport,
		Derives: []abi.Derives{{Group: service.Group, Kind: service.Kind}},
		Outputs: []abi.GroupKind{{Kind: "ConfigMap"}},
		Limits:  abi.Limits{Fuel: abi.MaxFuel, TimeoutMillis: abi.MaxTimeoutMillis, MemoryBytes: abi.MaxMemoryBytes},
	}
	// A module made with an Extism PDK has no host call to use one with.
	if transport == "" {
		m.Capabilities = []abi.Capability{
			{Name: abi.CapabilityKV, Reason: "to be measured"}, {Name: abi.CapabilityResourcesRead, Reason: "to be measured", Kinds: []abi.GroupKind{service}},
		}
	}
	return m
}

// fullStore is a store of as many keys as there may be. What is written is forgotten.
type fullStore struct{ entries cbor.Map[cbor.Raw] }

func newFullStore() fullStore {
	var f fullStore
	value := cbor.AppendString(nil, strings.Repeat("v", 1000))
	for i := range abi.MaxKVKeys {
		f.entries = append(f.entries, cbor.Entry[cbor.Raw]{Key: fmt.Sprintf("k%04d", i), Value: value})
	}
	return f
}

// Read implements [hostcall.Store].
func (f fullStore) Read(string) (cbor.Map[cbor.Raw], string, error) {
	return slices.Clone(f.entries), "", nil
}

// Write implements [hostcall.Store].
func (fullStore) Write(string, string, cbor.Map[cbor.Raw]) error { return nil }

// withStore returns a context for one derivation, in which a plugin has a full store and finds a
// hundred resources.
func withStore(ctx context.Context) context.Context {
	m := manifest("")
	run := hostcall.NewRun(hostcall.Config{
		Store:   newFullStore(),
		Granted: func(string, string) []string { return []string{abi.CapabilityKV, abi.CapabilityResourcesRead} },
	})
	document := abi.Ref{APIVersion: "lattice.dev/v1alpha1", Kind: "LatticeService", Namespace: "shop", Name: "web"}
	resource, err := cbor.FromJSON(nil, []byte(`{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","metadata":{"name":"web"},"spec":{"image":"`+strings.Repeat("x", 500)+`"}}`), abi.MaxDepth)
	if err != nil {
		// The text is above.
		panic(err)
	}
	derivation := run.Begin(document, func(context.Context, string, abi.Requirement) ([]cbor.Raw, error) {
		return slices.Repeat([]cbor.Raw{resource}, 100), nil
	})
	step := derivation.Step(hostcall.StepID{Resource: document, Pipeline: "fuel", Name: "fuel"}, m, "sha256:"+strings.Repeat("0", 64))
	return hostcall.With(ctx, step)
}
