package sandbox

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

func TestContract(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	asked := []abi.Capability{
		{Name: abi.CapabilityHTTPGet, Hosts: []string{"example.org"}, Reason: "prices"}, {Name: abi.CapabilityKV, Reason: "cache"},
	}
	for _, c := range []struct {
		reason   string
		guest    guestModule
		change   func(*guestModule)
		manifest func(*abi.Manifest)
		want     []string
	}{
		{reason: "a good plugin loads"},
		{
			reason: "what the host offers may be imported, other exports are ignored",
			change: func(g *guestModule) {
				g.ImportFunction("lattice_v1", "log", i32x3, noTypes)
				g.ImportFunction("wasi_snapshot_preview1", "fd_write", i32x4, i32)
				g.ImportFunction("wasi_snapshot_preview1", "proc_exit", i32, noTypes)
				g.Export("_start", wasmbuild.Function, g.Function(noTypes, noTypes, 0, []byte{wasmbuild.Unreachable}))
			},
		},
		{
			reason: "everything foreign is refused by name, all of it",
			change: func(g *guestModule) {
				g.ImportFunction("env", "abort", i32x4, noTypes)
				g.ImportFunction("wasi_snapshot_preview1", "sock_recv", i32x4, i32)
				g.ImportFunction("lattice_v2", "log", i32x3, noTypes)
				g.ImportFunction("lattice_v1", "evil\x1b[2J\nname", noTypes, noTypes)
			},
			want: []string{
				"breaks the contract: imports function env.abort, which the host does not offer",
				"breaks the contract: imports function wasi_snapshot_preview1.sock_recv, which the host does not offer",
				"breaks the contract: imports function lattice_v2.log, which the host does not offer",
				`breaks the contract: imports function lattice_v1.evil\x1b[2J\nname, which the host does not offer`,
			},
		},
		{
			reason: "an import of another type is refused",
			change: func(g *guestModule) {
				g.ImportFunction("lattice_v1", "log", i32, noTypes)
				g.ImportFunction("wasi_snapshot_preview1", "fd_write", i32x4, i64)
			},
			want: []string{
				"breaks the contract: imports function lattice_v1.log, as (i32) -> (), must be (i32, i32, i32) -> ()",
				"breaks the contract: imports function wasi_snapshot_preview1.fd_write, as (i32, i32, i32, i32) -> (i64), must be (i32, i32, i32, i32) -> (i32)",
			},
		},
		{
			reason: "only functions may be imported",
			change: func(g *guestModule) {
				g.Import("env", "table", wasmbuild.Table, append([]byte{wasmbuild.FuncRef}, wasmbuild.Limits(1, -1)...))
				g.Import("env", "global", wasmbuild.Global, []byte{wasmbuild.I32, 0})
				g.Import("env", "memory", wasmbuild.Memory, wasmbuild.Limits(1, -1))
			},
			want: []string{
				"breaks the contract: imports table env.table, a plugin may import functions only",
				"breaks the contract: imports global env.global, a plugin may import functions only",
				"breaks the contract: imports memory env.memory, a plugin may import functions only",
				"breaks the contract: has 2 memories, must have exactly one",
			},
		},
		{
			reason: "host_call is for plugins with a capability",
			change: func(g *guestModule) { g.ImportFunction("lattice_v1", "host_call", i32x3, i64) },
			want: []string{
				"breaks the contract: imports function lattice_v1.host_call, which is for plugins whose manifest asks for a capability",
			},
		},
		{
			reason:   "whose manifest asks for a capability may import it; what it is granted is decided at each call",
			change:   func(g *guestModule) { g.ImportFunction("lattice_v1", "host_call", i32x3, i64) },
			manifest: func(m *abi.Manifest) { m.Capabilities = asked },
		},
		{
			reason:   "host_call has one type",
			change:   func(g *guestModule) { g.ImportFunction("lattice_v1", "host_call", i32x3, i32) },
			manifest: func(m *abi.Manifest) { m.Capabilities = asked },
			want: []string{
				"breaks the contract: imports function lattice_v1.host_call, as (i32, i32, i32) -> (i32), must be (i32, i32, i32) -> (i64)",
			},
		},
		{
			reason: "a plugin without memory", guest: guestModule{drop: "memory"},
			want: []string{`breaks the contract: does not export its memory as "memory"`},
		},
		{
			reason: "memory under another name", guest: guestModule{rename: map[string]string{"memory": "mem"}},
			want: []string{`breaks the contract: does not export its memory as "memory"`},
		},
		{
			reason: "a plugin without alloc", guest: guestModule{drop: "lattice_v1_alloc"},
			want: []string{"breaks the contract: does not export the function lattice_v1_alloc (i32) -> (i32)"},
		},
		{
			reason: "a plugin for another version of the contract",
			guest:  guestModule{rename: map[string]string{"lattice_v1_call": "lattice_v2_call", "lattice_v1_alloc": "lattice_v2_alloc"}},
			want: []string{
				"breaks the contract: does not export the function lattice_v1_alloc (i32) -> (i32)",
				"breaks the contract: does not export the function lattice_v1_call (i32, i32, i32) -> (i64)",
			},
		},
		{
			reason: "exports of another type or kind",
			guest:  guestModule{drop: "lattice_v1_call"},
			change: func(g *guestModule) {
				g.Export("lattice_v1_call", wasmbuild.Function, g.Function(i32x3, i32, 0, wasmbuild.Int32(0)))
				g.GlobalInt32(1)
				g.Export("_initialize", wasmbuild.Global, 0)
			},
			want: []string{
				"breaks the contract: exports lattice_v1_call as (i32, i32, i32) -> (i32), must be (i32, i32, i32) -> (i64)",
				"breaks the contract: exports _initialize as a global, must be a function () -> ()",
			},
		},
		{
			reason: "two memories",
			change: func(g *guestModule) { g.Memory(1, -1) },
			want:   []string{"breaks the contract: has 2 memories, must have exactly one"},
		},
		{
			reason: "more memory than any plugin may have", guest: guestModule{pages: 1025},
			want: []string{"breaks the contract: begins with 65600 KiB of memory, its limit is 64 MiB (limits.memoryBytes of the manifest)"},
		},
		{
			reason: "more memory than the manifest says", guest: guestModule{pages: 17},
			manifest: func(m *abi.Manifest) { m.Limits.MemoryBytes = 1 << 20 },
			want:     []string{"breaks the contract: begins with 1088 KiB of memory, its limit is 1 MiB (limits.memoryBytes of the manifest)"},
		},
		{
			reason: "tables",
			change: func(g *guestModule) { g.Table(1_000_001, -1); g.Table(1, -1) },
			want: []string{
				"breaks the contract: has 2 tables, at most one is allowed",
				"breaks the contract: has a table of 1000001 elements, the limit is 1000000",
			},
		},
		{
			reason: "code that does not type",
			guest:  guestModule{call: wasmbuild.Int32(1)},
			want:   []string{`breaks the contract: module: invalid function[1] export["lattice_v1_call"]: cannot use i32 as result[0] type i64`},
		},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			manifest := jsonManifest()
			if c.manifest != nil {
				c.manifest(manifest)
			}
			if c.change != nil {
				c.change(&c.guest)
			}
			_, err := r.Load(t.Context(), sign(t, manifest, c.guest.build()))
			if diff := cmp.Diff(c.want, lines(err)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if err == nil {
				return
			}
			var e *Error
			if !errors.Is(err, ErrContract) || !errors.Is(err, ErrPlugin) || !errors.As(err, &e) {
				t.Fatalf("the error is not of the contract: %v", err)
			}
			if e.Plugin != "acme/web" || e.Version != "1.2.3" || !release.ValidDigest(e.Digest) {
				t.Errorf("the error names %s@%s %s", e.Plugin, e.Version, e.Digest)
			}
		})
	}
}

func TestContractManifestSection(t *testing.T) {
	t.Parallel()
	signed, other := jsonManifest(), jsonManifest()
	other.Limits.TimeoutMillis = 30_000
	for _, c := range []struct {
		reason   string
		sections []string
		want     []string
	}{
		{"the signed one", []string{string(signed.CanonicalJSON())}, nil},
		{"the same with spaces", []string{" " + string(signed.CanonicalJSON())}, nil},
		{"another", []string{string(other.CanonicalJSON())}, []string{"section lattice.manifest: differs from the signed manifest"}},
		{"none", nil, []string{"has 0 sections lattice.manifest, must have exactly one"}},
		{"two", []string{"{}", "{}"}, []string{"has 2 sections lattice.manifest, must have exactly one"}},
		{"not a manifest", []string{`{"schema":7}`}, []string{"section lattice.manifest: schema: want a string, got an integer"}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			var g guestModule
			for _, s := range c.sections {
				g.Custom(abi.ManifestSection, []byte(s))
			}
			m, err := parseModule(g.build())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, checkContract(m, signed, hostFunctions()).found); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// TestViolationsAreBounded keeps a hostile module from filling the screen.
func TestViolationsAreBounded(t *testing.T) {
	t.Parallel()
	var g guestModule
	for range 1000 {
		g.ImportFunction("env", "x", noTypes, noTypes)
	}
	_, err := newRuntime(t, Config{}).Load(t.Context(), sign(t, jsonManifest(), g.build()))
	got := lines(err)
	if len(got) != maxViolations+1 || got[maxViolations] != "breaks the contract: and 950 more" {
		t.Errorf("%d lines, the last is %q", len(got), got[len(got)-1])
	}
}
