package sandbox

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// misuse is a body that calls a function with i64 parameters and goes on.
func misuse(name string, params ...int64) func(*extismGuest) {
	return func(g *extismGuest) {
		var body []byte
		for _, p := range params {
			body = append(body, wasmbuild.Int64(p)...)
		}
		body = append(body, g.call(name)...)
		for range extismSignature(name).results {
			body = append(body, wasmbuild.Drop)
		}
		g.derive = append(body, g.answer("{}")...)
	}
}

// again is a loop without an end around a body.
func again(body ...any) []byte {
	return wasmbuild.Body(wasmbuild.Loop, wasmbuild.NoResult, wasmbuild.Body(body...), wasmbuild.Br, 0, wasmbuild.End, wasmbuild.Unreachable)
}

func TestExtismCall(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	for _, c := range []struct {
		reason   string
		guest    func(*extismGuest)
		manifest func(*abi.Manifest)
		want     string
		err      error
		text     string
	}{
		{reason: "the answer comes back", guest: func(*extismGuest) {}, want: "{}      "},
		{
			reason: "the request is there, and nothing after it",
			guest: func(g *extismGuest) {
				word := int64(0x3a226574756f7222) // "route":
				g.derive = wasmbuild.Body(
					g.call("input_length"), failUnless(9),
					wasmbuild.Int64(1), g.call("input_load_u64"), failUnless(word),
					wasmbuild.Int64(2), g.call("input_load_u64"), failUnless(0),
					wasmbuild.Int64(9), g.call("input_load_u8"), 0xad, failUnless(0),
					wasmbuild.Int64(-1), g.call("input_load_u64"), failUnless(0),
					g.answer("{}"))
			},
			want: "{}      ",
		},
		{
			reason: "the request is a block of its own",
			guest: func(g *extismGuest) {
				word := int64(0x3a226574756f7222) // "route":
				g.derive = wasmbuild.Body(
					g.call("input_offset"), g.call("length"), failUnless(9),
					g.call("input_offset"), wasmbuild.Int64(1), i64Add, g.call("load_u64"), failUnless(word),
					g.call("input_offset"), g.call("input_offset"), g.call("length"), g.call("output_set"), wasmbuild.Int32(0))
			},
			want: `{"route":`,
		},
		{
			reason: "what lies after the request is not", err: ErrTrap, text: "step main: in derive: trapped: extism:host/env.load_u64 was called: the address is outside of the plugin's blocks",
			guest: func(g *extismGuest) {
				g.derive = wasmbuild.Body(
					g.call("input_offset"), wasmbuild.Int64(2), i64Add, g.call("load_u64"), wasmbuild.Drop, g.answer("{}"))
			},
		},
		{
			reason: "an error that it reports", err: ErrTrap, text: "step main: in derive: trapped: no route      ",
			guest: func(g *extismGuest) {
				g.derive = wasmbuild.Body(g.text(0, "no route"), wasmbuild.LocalGet, 0, g.call("error_set"), wasmbuild.Int32(1))
			},
		},
		{
			reason: "an error that it reports, and success", err: ErrTrap, text: `step main: in derive: trapped: two\nlines\x1b[2J    `,
			guest: func(g *extismGuest) {
				g.derive = wasmbuild.Body(g.text(0, "two\nlines\x1b[2J"), wasmbuild.LocalGet, 0, g.call("error_set"), g.answer("{}"))
			},
		},
		{
			reason: "an error that it reports, and a trap", err: ErrTrap,
			text: "step main: in derive: trapped: unreachable, last message: no route",
			guest: func(g *extismGuest) {
				g.derive = wasmbuild.Body(g.text(0, "no route"), wasmbuild.LocalGet, 0, g.call("error_set"), wasmbuild.Unreachable)
			},
		},
		{
			reason: "a failure without a word", err: ErrTrap, text: "step main: in derive: trapped: it returned 7 and no error message",
			guest: func(g *extismGuest) { g.derive = wasmbuild.Int32(7) },
		},
		{
			reason: "no output", err: ErrBadAnswer, text: "step main: bad answer: it is empty",
			guest: func(g *extismGuest) { g.derive = wasmbuild.Int32(0) },
		},
		{
			reason: "an output that is too large", err: ErrBadAnswer, text: "step main: bad answer: it has 16777217 bytes, the limit is 16 MiB",
			guest: func(g *extismGuest) {
				g.derive = wasmbuild.Body(
					wasmbuild.Int64(abi.MaxResponseBytes+1), g.call("alloc"),
					wasmbuild.Int64(abi.MaxResponseBytes+1), g.call("output_set"), wasmbuild.Int32(0))
			},
		},
		{
			reason: "an output that is not a block", guest: misuse("output_set", 1, 8), err: ErrTrap,
			text: "step main: in derive: trapped: extism:host/env.output_set was called: the address is outside of the plugin's blocks",
		},
		{
			reason: "an output that leaves its block", err: ErrTrap,
			text: "step main: in derive: trapped: extism:host/env.output_set was called: the address is outside of the plugin's blocks",
			guest: func(g *extismGuest) {
				g.derive = wasmbuild.Body(g.text(0, "{}"), wasmbuild.LocalGet, 0, wasmbuild.Int64(9), g.call("output_set"), wasmbuild.Int32(0))
			},
		},
		{
			reason: "writing over the kernel's lists", err: ErrTrap,
			text:  "step main: in derive: trapped: extism:host/env.store_u64 was called: the address is outside of the plugin's blocks",
			guest: misuse("store_u64", 1, -1),
		},
		{
			reason: "writing after a block", err: ErrTrap,
			text: "step main: in derive: trapped: extism:host/env.store_u64 was called: the address is outside of the plugin's blocks",
			guest: func(g *extismGuest) {
				g.derive = wasmbuild.Body(g.text(0, "{}"), g.text(1, "{}"),
					wasmbuild.LocalGet, 0, wasmbuild.Int64(1), i64Add, wasmbuild.Int64(-1), g.call("store_u64"), wasmbuild.Int32(0))
			},
		},
		{
			reason: "reading the kernel's lists", err: ErrTrap,
			text:  "step main: in derive: trapped: extism:host/env.load_u64 was called: the address is outside of the plugin's blocks",
			guest: misuse("load_u64", 1),
		},
		{
			reason: "reading where there is no memory", err: ErrTrap,
			text:  "step main: in derive: trapped: extism:host/env.load_u8 was called: the address is outside of the plugin's blocks",
			guest: misuse("load_u8", -1),
		},
		{
			reason: "reading a block that was given back", err: ErrTrap,
			text: "step main: in derive: trapped: extism:host/env.load_u64 was called: the address is outside of the plugin's blocks",
			guest: func(g *extismGuest) {
				g.derive = wasmbuild.Body(g.text(0, "{}"), wasmbuild.LocalGet, 0, g.call("free"),
					wasmbuild.LocalGet, 0, g.call("load_u64"), wasmbuild.Drop, wasmbuild.Int32(0))
			},
		},
		{reason: "an empty error is not an error", guest: misuse("error_set", 0), want: "{}      "},
		{reason: "an empty message", guest: misuse("log_info", 0), want: "{}      "},
		{reason: "giving back what is not a block", guest: misuse("free", 77), want: "{}      "},
		{
			reason: "logging what is not a block", guest: misuse("log_info", 77), err: ErrTrap,
			text: "step main: in derive: trapped: extism:host/env.log_info was called: the address is not one of the plugin's blocks",
		},
		{
			reason: "the network", guest: misuse("http_request", 0, 0), err: ErrTrap,
			text: "step main: in derive: trapped: extism:host/env.http_request was called: a plugin has no network",
		},
		{
			reason: "reading after the end of a request, the configuration, and a variable that was not set",
			guest: func(g *extismGuest) {
				g.derive = wasmbuild.Body(
					g.call("http_status_code"), 0xad, failUnless(0), g.call("http_headers"), failUnless(0),
					g.text(0, "PATH"), wasmbuild.LocalGet, 0, g.call("config_get"), failUnless(0),
					wasmbuild.LocalGet, 0, g.call("var_get"), failUnless(0), g.answer("{}"))
			},
			want: "{}      ",
		},
		{
			reason: "removing a variable whose name is too large", err: ErrTrap,
			text: "step main: in derive: trapped: extism:host/env.var_set was called: the variables of a call have at most 1 MiB",
			guest: func(g *extismGuest) {
				g.derive = wasmbuild.Body(wasmbuild.Int64(maxVarBytes+1), g.call("alloc"), wasmbuild.Int64(0), g.call("var_set"), wasmbuild.Int32(0))
			},
		},
		{
			reason: "variables that are too large", err: ErrTrap,
			text: "step main: in derive: trapped: extism:host/env.var_set was called: the variables of a call have at most 1 MiB",
			guest: func(g *extismGuest) {
				g.derive = wasmbuild.Body(g.text(0, "name"), wasmbuild.Int64(maxVarBytes), g.call("alloc"), wasmbuild.LocalSet, 1,
					wasmbuild.LocalGet, 0, wasmbuild.LocalGet, 1, g.call("var_set"), wasmbuild.Int32(0))
			},
		},
		{
			reason: "a block that is larger than memory", guest: misuse("alloc", -1), err: ErrMemory,
			text: "step main: in derive: trapped, out of memory: it may have 64 MiB (limits.memoryBytes of the manifest): no memory is left for a block: 18446744073709551615 bytes were asked for",
		},
		{
			reason: "a block whose size the kernel takes for a small one", guest: misuse("alloc", 1<<48+8), err: ErrMemory,
			text: "step main: in derive: trapped, out of memory: it may have 64 MiB (limits.memoryBytes of the manifest): no memory is left for a block: 281474976710664 bytes were asked for",
		},
		{
			reason: "block after block until memory is full", err: ErrMemory,
			text:  "step main: in derive: trapped, out of memory: it may have 64 MiB (limits.memoryBytes of the manifest): no memory is left for a block: 1000000 bytes were asked for",
			guest: func(g *extismGuest) { g.derive = again(wasmbuild.Int64(1_000_000), g.call("alloc"), wasmbuild.Drop) },
		},
		{
			reason: "5,000 small blocks, which the kernel walks past ever longer: 1,000 units a call, and 10 a block", err: ErrFuel,
			text: "step main: in derive: out of fuel: it spent its 100000000 units of fuel (limits.fuel of the manifest)",
			guest: func(g *extismGuest) {
				const i64LtS = 0x53
				g.derive = wasmbuild.Body(
					wasmbuild.Loop, wasmbuild.NoResult, wasmbuild.Int64(1), g.call("alloc"), wasmbuild.Drop,
					wasmbuild.LocalGet, 3, wasmbuild.Int64(1), i64Add, wasmbuild.LocalTee, 3,
					wasmbuild.Int64(5_000), i64LtS, wasmbuild.BrIf, 0, wasmbuild.End,
					g.answer("{}"))
			},
			manifest: func(m *abi.Manifest) { m.Limits.Fuel = 100_000_000 },
		},
		{
			reason: "a memory that grows until it may not", err: ErrMemory,
			text: "step main: in derive: trapped, out of memory: it may have 64 MiB (limits.memoryBytes of the manifest): unreachable",
			guest: func(g *extismGuest) {
				g.derive = again(wasmbuild.Int32(64), wasmbuild.MemoryGrow, 0, wasmbuild.Int32(-1), wasmbuild.I32Eq,
					wasmbuild.If, wasmbuild.NoResult, wasmbuild.Unreachable, wasmbuild.End)
			},
		},
		{
			reason: "an endless loop, by its fuel", err: ErrFuel,
			text:     "step main: in derive: out of fuel: it spent its 5000000 units of fuel (limits.fuel of the manifest)",
			guest:    func(g *extismGuest) { g.derive = forever() },
			manifest: func(m *abi.Manifest) { m.Limits.Fuel = 5_000_000 },
		},
		{
			reason: "an endless loop, by its time", err: ErrTimeout,
			text:     "step main: timed out: no answer within 50ms (limits.timeoutMillis of the manifest)",
			guest:    func(g *extismGuest) { g.derive = forever() },
			manifest: func(m *abi.Manifest) { m.Limits.TimeoutMillis, m.Limits.Fuel = 50, abi.MaxFuel },
		},
		{
			reason: "an endless loop of calls", err: ErrTimeout,
			text:     "step main: timed out: no answer within 50ms (limits.timeoutMillis of the manifest)",
			guest:    func(g *extismGuest) { g.derive = again(g.call("input_length"), wasmbuild.Drop) },
			manifest: func(m *abi.Manifest) { m.Limits.TimeoutMillis, m.Limits.Fuel = 50, abi.MaxFuel },
		},
		{
			reason: "a recursion without end", err: ErrTrap, text: "step main: in derive: trapped: stack overflow",
			guest: func(g *extismGuest) { g.derive = wasmbuild.Body(wasmbuild.Call, 0) },
		},
		{
			reason: "a loop at the start", err: ErrTimeout,
			text:     "step main: timed out: no answer within 50ms (limits.timeoutMillis of the manifest)",
			guest:    func(g *extismGuest) { g.derive = g.answer("{}"); g.Start(g.Function(nil, nil, 0, forever())) },
			manifest: func(m *abi.Manifest) { m.Limits.TimeoutMillis, m.Limits.Fuel = 50, abi.MaxFuel },
		},
		{
			reason: "a trap at the start", err: ErrTrap, text: "step main: at its start: trapped: unreachable",
			guest: func(g *extismGuest) {
				g.derive = g.answer("{}")
				g.Start(g.Function(nil, nil, 0, []byte{wasmbuild.Unreachable}))
			},
		},
		{
			reason: "a call at the start", err: ErrTrap,
			text: "step main: at its start: trapped: extism:host/env.input_length was called by the start function, before there is anything to call",
			guest: func(g *extismGuest) {
				g.derive = g.answer("{}")
				body := wasmbuild.Body(g.call("input_length"), wasmbuild.Drop)
				g.Start(g.Function(nil, nil, 0, body))
			},
		},
		{
			reason: "a trap in _initialize", err: ErrTrap, text: "step main: at its start: trapped: unreachable",
			guest: func(g *extismGuest) {
				g.derive = g.answer("{}")
				g.Export(abi.ExportInitialize, wasmbuild.Function, g.Function(nil, nil, 0, []byte{wasmbuild.Unreachable}))
			},
		},
		{
			reason: "a block of _initialize is not valid in a call", err: ErrTrap,
			text: "step main: in derive: trapped: extism:host/env.store_u64 was called: the address is outside of the plugin's blocks",
			guest: func(g *extismGuest) {
				g.Global(wasmbuild.I64, wasmbuild.Int64(0))
				g.derive = wasmbuild.Body(wasmbuild.GlobalGet, 0, wasmbuild.Int64(-1), g.call("store_u64"), wasmbuild.Int32(0))
				body := wasmbuild.Body(wasmbuild.Int64(64), g.call("alloc"), wasmbuild.GlobalSet, 0)
				g.Export(abi.ExportInitialize, wasmbuild.Function, g.Function(nil, nil, 0, body))
			},
		},
		{
			reason: "an exit", err: ErrTrap, text: "step main: in derive: trapped: it exited with code 0",
			guest: func(g *extismGuest) {
				exit := g.ImportFunction("wasi_snapshot_preview1", "proc_exit", i32, noTypes)
				g.derive = wasmbuild.Body(wasmbuild.Int32(0), wasmbuild.Call, wasmbuild.Unsigned(exit), wasmbuild.Unreachable)
			},
		},
		{
			reason: "a file", want: "{}      ",
			guest: func(g *extismGuest) {
				prestat := g.ImportFunction("wasi_snapshot_preview1", "fd_prestat_get", []byte{wasmbuild.I32, wasmbuild.I32}, i32)
				g.derive = wasmbuild.Body(wasmbuild.Int32(3), wasmbuild.Int32(0), wasmbuild.Call, wasmbuild.Unsigned(prestat), 0xad,
					failUnless(int64(errnoBadf)), g.answer("{}"))
			},
		},
		{
			reason: "a host function in place of derive", err: ErrTrap,
			text: "step main: in derive: trapped: it returned 1 and no error message",
			guest: func(g *extismGuest) {
				g.derive = g.answer("{}")
				g.call("get_log_level")
				g.drop = abi.ExtismDerive
				g.Export(abi.ExtismDerive, wasmbuild.Function, g.imported["get_log_level"])
			},
		},
		{
			reason: "a request that finds no room", err: ErrMemory,
			text:  "step main: in derive: trapped, out of memory: it may have 1088 KiB (limits.memoryBytes of the manifest): no memory is left for a block: the input has 9 bytes",
			guest: func(g *extismGuest) { g.derive = g.answer("{}") },
			// The kernel's and the guest's, and nothing more.
			manifest: func(m *abi.Manifest) { m.Limits.MemoryBytes = 1<<20 + pageSize },
		},
		{
			reason: "a request beyond the limit", err: ErrRequestTooLarge,
			text:     "step main: request too large: it has 9 bytes, the limit is 6 bytes; the plugin's author can raise it to 16 MiB with limits.requestBytes of the manifest",
			guest:    func(*extismGuest) {},
			manifest: func(m *abi.Manifest) { m.Limits.RequestBytes = 6 },
		},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			var g extismGuest
			c.guest(&g)
			p := loadExtismGuest(t, r, c.manifest, &g)
			// The second call shows that the first one broke nothing.
			for range 2 {
				answer, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(`{"route":`))
				if string(answer) != c.want || !errors.Is(err, c.err) {
					t.Fatalf("got %q, %v; want %q, %v", answer, err, c.want, c.err)
				}
				if err != nil && !errors.Is(err, ErrPlugin) {
					t.Errorf("the error is not of a plugin: %v", err)
				}
				if got := strings.Join(lines(err), "\n"); strings.TrimSpace(got) != strings.TrimSpace(c.text) {
					t.Errorf("message\n got %s\nwant %s", got, c.text)
				}
			}
		})
	}
}

func TestExtismContract(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	for _, c := range []struct {
		reason   string
		guest    func(*extismGuest)
		manifest func(*abi.Manifest)
		want     []string
	}{
		{"a good module", func(*extismGuest) {}, nil, nil},
		{"with settings", func(g *extismGuest) { g.validate = g.answer("{}"); g.derive = g.answer("{}") },
			func(m *abi.Manifest) { m.SettingsSchema = []byte{0xa0} }, nil},
		{"without derive", func(g *extismGuest) { g.drop = abi.ExtismDerive }, nil,
			[]string{"breaks the contract: does not export the function derive () -> (i32)"}},
		{"settings without validate", func(*extismGuest) {}, func(m *abi.Manifest) { m.SettingsSchema = []byte{0xa0} },
			[]string{"breaks the contract: does not export the function validate () -> (i32)"}},
		{"derive of another type", func(g *extismGuest) {
			g.derive = g.answer("{}")
			g.drop = abi.ExtismDerive
			g.Export(abi.ExtismDerive, wasmbuild.Function, g.Function(i32, i64, 0, wasmbuild.Int64(0)))
		}, nil, []string{"breaks the contract: exports derive as (i32) -> (i64), must be () -> (i32)"}},
		{"validate of another type", func(g *extismGuest) {
			g.derive = g.answer("{}")
			g.Export(abi.ExtismValidate, wasmbuild.Function, g.Function(nil, nil, 0, nil))
		}, nil, []string{"breaks the contract: exports validate as () -> (), must be () -> (i32)"}},
		{"what only a host may call", func(g *extismGuest) { misuse("reset")(g) }, nil,
			[]string{"breaks the contract: imports function extism:host/env.reset, which the host does not offer"}},
		{"a function of another type", func(g *extismGuest) {
			g.ImportFunction(abi.ExtismModule, "alloc", i32, i32)
		}, nil, []string{"breaks the contract: imports function extism:host/env.alloc, as (i32) -> (i32), must be (i64) -> (i64)"}},
		{"the other transport's functions", func(g *extismGuest) {
			g.ImportFunction(abi.ImportModule, abi.ImportLog, i32x3, noTypes)
		}, nil, []string{"breaks the contract: imports function lattice_v1.log, which the host does not offer"}},
		{"where the host's own functions lie", func(g *extismGuest) {
			g.ImportFunction("lattice:extism:host/env", "alloc", i64, i64)
		}, nil, []string{"breaks the contract: imports function lattice:extism:host/env.alloc, which the host does not offer"}},
		{"a user function", func(g *extismGuest) {
			g.ImportFunction("extism:host/user", "more", i64, i64)
		}, nil, []string{"breaks the contract: imports function extism:host/user.more, which the host does not offer"}},
		{"a compiler's environment", func(g *extismGuest) {
			g.ImportFunction("env", "abort", i32x4, noTypes)
		}, nil, []string{"breaks the contract: imports function env.abort, which the host does not offer"}},
		{"a module for the other transport", func(*extismGuest) {}, func(m *abi.Manifest) { m.Transport = "" }, []string{
			"breaks the contract: imports function extism:host/env.alloc, which the host does not offer",
			"breaks the contract: imports function extism:host/env.store_u64, which the host does not offer",
			"breaks the contract: imports function extism:host/env.length, which the host does not offer",
			"breaks the contract: imports function extism:host/env.output_set, which the host does not offer",
			`breaks the contract: does not export its memory as "memory"`,
			"breaks the contract: does not export the function lattice_v1_alloc (i32) -> (i32)",
			"breaks the contract: does not export the function lattice_v1_call (i32, i32, i32) -> (i64)",
		}},
		{"memory for the kernel", func(*extismGuest) {}, func(m *abi.Manifest) { m.Limits.MemoryBytes = 1 << 20 }, []string{
			"breaks the contract: begins with 1088 KiB of memory, its limit is 1 MiB (limits.memoryBytes of the manifest)",
		}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			manifest := extismManifest()
			if c.manifest != nil {
				c.manifest(manifest)
			}
			var g extismGuest
			c.guest(&g)
			_, err := r.Load(t.Context(), sign(t, manifest, g.build()))
			if diff := cmp.Diff(c.want, lines(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if err != nil && !errors.Is(err, ErrContract) {
				t.Errorf("the error is not of the contract: %v", err)
			}
		})
	}
}

// Nothing of a call is there in the next: variables, blocks, memory.
func TestExtismStateDoesNotLeak(t *testing.T) {
	t.Parallel()
	var g extismGuest
	canary := int64(0x7972616e6163)
	g.Global(wasmbuild.I64, wasmbuild.Int64(0))
	g.derive = wasmbuild.Body(
		wasmbuild.GlobalGet, 0, failUnless(0), wasmbuild.Int64(canary), wasmbuild.GlobalSet, 0,
		wasmbuild.Int32(8), 0x29, 3, 0, failUnless(0), wasmbuild.Int32(8), wasmbuild.Int64(canary), wasmbuild.I64Store, 3, 0,
		wasmbuild.Int64(1024), g.call("alloc"), wasmbuild.LocalTee, 2, g.call("load_u64"), failUnless(0),
		wasmbuild.LocalGet, 2, wasmbuild.Int64(canary), g.call("store_u64"),
		g.text(0, "name"), wasmbuild.LocalGet, 0, g.call("var_get"), failUnless(0),
		wasmbuild.LocalGet, 0, wasmbuild.LocalGet, 2, g.call("var_set"),
		// In the same call, the variable is there, until it is removed.
		wasmbuild.LocalGet, 0, g.call("var_get"), g.call("load_u64"), failUnless(canary),
		wasmbuild.LocalGet, 0, wasmbuild.Int64(0), g.call("var_set"),
		wasmbuild.LocalGet, 0, g.call("var_get"), failUnless(0),
		wasmbuild.LocalGet, 0, wasmbuild.LocalGet, 2, g.call("var_set"),
		g.answer("{}"))
	p := loadExtismGuest(t, newRuntime(t, Config{}), nil, &g)
	for range 50 {
		if _, err := p.Call(t.Context(), "", abi.OpDerive, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestExtismLogs(t *testing.T) {
	t.Parallel()
	var log messages
	var g extismGuest
	say := func(level string) []byte {
		return wasmbuild.Body(g.text(0, "at "+level), wasmbuild.LocalGet, 0, g.call("log_"+level))
	}
	g.derive = wasmbuild.Body(say("trace"), say("debug"), say("info"), say("warn"), say("error"),
		g.call("get_log_level"), 0xad, failUnless(extismLogLevel), g.answer("{}"))
	p := loadExtismGuest(t, newRuntime(t, Config{Log: log.add}), nil, &g)
	if _, err := p.Call(t.Context(), "main", abi.OpDerive, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	want := []string{"debug: at trace", "debug: at debug", "info: at info ", "warning: at warn ", "error: at error"}
	if diff := cmp.Diff(want, log.texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if got := log.all[0]; got.Plugin != "acme/web" || got.Version != "1.2.3" || got.Step != "main" {
		t.Errorf("the message comes from %+v", got)
	}
}

func TestExtismMessages(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	const output = `{"outputs":[{"ref":{"apiVersion":"v1","kind":"ConfigMap","name":"a"},"document":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}}],"more":1}`
	var g extismGuest
	g.derive, g.validate = g.answer(output), g.answer(`{"results":[{"severity":"error","message":"no"}]}`)
	p := loadExtismGuest(t, r, nil, &g)
	response, unknown, err := p.Derive(t.Context(), &abi.Request{ABI: abi.Version, Resource: []byte{0xa0}})
	if err != nil || len(response.Outputs) != 1 || response.Outputs[0].Ref.Name != "a" || !cmp.Equal(unknown, []string{"more"}) {
		t.Errorf("derive answered %+v, %q, %v", response, unknown, err)
	}
	valid, _, err := p.Validate(t.Context(), &abi.ValidateRequest{ABI: abi.Version})
	if err != nil || len(valid.Results) != 1 || valid.Results[0].Message != "no" {
		t.Errorf("validate answered %+v, %v", valid, err)
	}
	var wrong extismGuest
	wrong.derive = wrong.answer("no JSON")
	p = loadExtismGuest(t, r, nil, &wrong)
	_, _, err = p.Derive(t.Context(), &abi.Request{ABI: abi.Version, Resource: []byte{0xa0}, Step: "main"})
	if !errors.Is(err, ErrBadAnswer) || !strings.Contains(err.Error(), "bad answer: byte 0") {
		t.Errorf("got %v, want that it is not JSON", err)
	}
	var e *Error
	if !errors.As(err, &e) || e.Plugin != "acme/web" || e.Version != "1.2.3" || e.Digest != p.Digest() || e.Step != "main" {
		t.Errorf("the error does not say whose it is: %v", err)
	}
}

func TestExtismIsInterrupted(t *testing.T) {
	t.Parallel()
	var g extismGuest
	g.derive = forever()
	p := loadExtismGuest(t, newRuntime(t, Config{}), func(m *abi.Manifest) {
		m.Limits.TimeoutMillis, m.Limits.Fuel = abi.MaxTimeoutMillis, abi.MaxFuel
	}, &g)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.Call(ctx, "main", abi.OpDerive, []byte("{}")); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrPlugin) {
		t.Errorf("the caller's deadline came back as %v", err)
	}
	done := make(chan error)
	go func() {
		_, err := p.Call(context.Background(), "main", abi.OpDerive, []byte("{}"))
		done <- err
	}()
	time.Sleep(10 * time.Millisecond)
	hurry, giveUp := context.WithCancel(t.Context())
	giveUp()
	if err := p.Close(hurry); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("closing the plugin came back as %v", err)
	}
	if _, err := p.Call(t.Context(), "main", abi.OpDerive, []byte("{}")); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed plugin answered %v", err)
	}
}

// A call that finds every instance taken waits for one, and no longer than its context.
func TestExtismWaits(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	r.pool.cores = 1
	p := loadExtismGuest(t, r, nil, new(extismGuest))
	taken, err := p.instances.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Call(ctx, "main", abi.OpDerive, []byte("{}")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	r.pool.drop(taken)
	for range 2 {
		if _, err := p.Call(t.Context(), "main", abi.OpDerive, []byte("{}")); err != nil {
			t.Error(err)
		}
	}
}

// What needs getting ready is got ready once, in the way of its language.
func TestExtismInitialises(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	for _, c := range []struct {
		exports []string
		want    string
	}{
		{[]string{abi.ExportInitialize}, "1"},
		{[]string{"__wasm_call_ctors"}, "1"},
		{[]string{abi.ExportInitialize, "__wasm_call_ctors"}, "1"},
		{[]string{abi.ExportInitialize, "hs_init"}, "2"},
		{[]string{"malloc"}, "0"},
	} {
		var g extismGuest
		g.GlobalInt32('0')
		g.derive = wasmbuild.Body(
			wasmbuild.Int64(1), g.call("alloc"), wasmbuild.LocalTee, 0,
			wasmbuild.GlobalGet, 0, g.call("store_u8"),
			wasmbuild.LocalGet, 0, wasmbuild.Int64(1), g.call("output_set"), wasmbuild.Int32(0))
		count := wasmbuild.Body(wasmbuild.GlobalGet, 0, wasmbuild.Int32(1), wasmbuild.I32Add, wasmbuild.GlobalSet, 0)
		for _, name := range c.exports {
			var params []byte
			if name == "hs_init" {
				params = []byte{wasmbuild.I32, wasmbuild.I32}
			}
			g.Export(name, wasmbuild.Function, g.Function(params, nil, 0, count))
		}
		p := loadExtismGuest(t, r, nil, &g)
		for range 2 {
			answer, err := p.Call(t.Context(), "", abi.OpDerive, []byte("{}"))
			if err != nil || !bytes.Equal(answer, []byte(c.want)) {
				t.Errorf("%s: %s were called, %v; want %s", c.exports, answer, err, c.want)
			}
		}
	}
}
