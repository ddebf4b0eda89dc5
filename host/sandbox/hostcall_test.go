package sandbox

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/hostcall"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// caller answers host calls in tests.
type caller func(ctx context.Context, r *hostcall.Request) ([]byte, error)

func (c caller) Call(ctx context.Context, r *hostcall.Request) ([]byte, error) { return c(ctx, r) }

// always answers every call alike.
func always(answer []byte) caller {
	return func(context.Context, *hostcall.Request) ([]byte, error) { return answer, nil }
}

func asksForKV(m *abi.Manifest) *abi.Manifest {
	m.Capabilities = []abi.Capability{{Name: abi.CapabilityKV, Reason: "to remember"}}
	return m
}

// loadCaller builds and loads the plugin that makes the host calls in its settings.
func loadCaller(t *testing.T) *Plugin {
	t.Helper()
	file := filepath.Join(t.TempDir(), "caller.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-o", file, "../../wasm-tests/hostcaller/main.go")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	manifest := asksForKV(jsonManifest())
	manifest.Encoding, manifest.Limits.TimeoutMillis = abi.EncodingCBOR, abi.MaxTimeoutMillis
	return load(t, newRuntime(t, Config{}), manifest, wasm)
}

func rawJSON(t *testing.T, text string) cbor.Raw {
	t.Helper()
	item, err := cbor.FromJSON(nil, []byte(text), abi.MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	return item
}

// asked derives with the calls and returns what the plugin was answered.
func asked(t *testing.T, p *Plugin, c hostcall.Caller, calls string) string {
	t.Helper()
	resp, _, err := p.Derive(hostcall.With(t.Context(), c), &abi.Request{
		ABI: abi.Version, Step: "calls", Round: 1, Settings: rawJSON(t, `{"calls":`+calls+`}`),
		Resource: rawJSON(t, `{"kind":"LatticeService","metadata":{"name":"orders","namespace":"shop"}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := cbor.ToJSON(nil, resp.Outputs[0].Document)
	if err != nil {
		t.Fatal(err)
	}
	_, data, _ := strings.Cut(string(text), `"data":`)
	data, _, _ = strings.Cut(data, `,"kind"`)
	return data
}

// TestGoGuestCallsTheHost proves that a plugin of the Go toolchain makes room for answers while it
// waits for them.
func TestGoGuestCallsTheHost(t *testing.T) {
	t.Parallel()
	p := loadCaller(t)
	var requests []string
	c := caller(func(_ context.Context, r *hostcall.Request) ([]byte, error) {
		text, err := cbor.ToJSON(nil, r.CBOR)
		requests = append(requests, r.Op.String()+" "+string(text))
		if r.Op == abi.HostKVSet {
			return (&abi.HostAnswer{}).AppendCBOR(nil), err
		}
		return (&abi.KVGetAnswer{Value: rawJSON(t, `[1,"`+strings.Repeat("x", 100_000)+`"]`)}).AppendCBOR(nil), err
	})
	const calls = `[{"op":"get","key":"a"},{"op":"set","key":"b","value":{"c":1.0}}]`
	want := `{"000":"[1,\"` + strings.Repeat("x", 100_000) + `\"]","001":"done"}`
	for range 20 {
		requests = nil
		if got := asked(t, p, c, calls); got != want {
			t.Fatalf("the plugin was answered %.300s", got)
		}
		if diff := cmp.Diff([]string{`kv.get {"key":"a"}`, `kv.set {"key":"b","value":{"c":1.0}}`}, requests); diff != "" {
			t.Fatal(diff)
		}
	}
	const denied = `{"000":"denied: host calls can be made in a derivation only"}`
	if got := asked(t, p, nil, `[{"op":"get","key":"a"}]`); got != denied {
		t.Errorf("without a caller the plugin was answered %s", got)
	}
	// The collector runs in the guest while it waits.
	if got := asked(t, p, c, `[{"op":"get","key":"a","times":60}]`); strings.Count(got, "xxx\\\"]") != 60 {
		t.Errorf("of 60 answers came %d", strings.Count(got, "xxx\\\"]"))
	}
}

// callsHost returns a guest whose call is the given body with host_call as function 0; it answers
// what is at answerAt.
func callsHost(alloc []byte, body ...any) func(*guestModule) {
	return func(g *guestModule) {
		g.ImportFunction(abi.ImportModule, abi.ImportHostCall, i32x3, i64)
		g.alloc = alloc
		g.answer = `{"results":[{"severity":"info","message":"done"}]}`
		g.call = b.Body(append(body, packed(answerAt, uint32(len(g.answer))))...)
	}
}

// hostCallOf calls the host with a message.
func hostCallOf(op, ptr, size int32) []byte {
	return b.Body(b.Int32(op), b.Int32(ptr), b.Int32(size), b.Call, 0)
}

const messageAt = 8192

func TestHostileHostCalls(t *testing.T) {
	t.Parallel()
	const message = `{"key":"a"}`
	ok := always((&abi.HostAnswer{}).AppendCBOR(nil))
	good := b.Body(hostCallOf(1, messageAt, int32(len(message))), b.Drop)
	text := func(size int) []byte { return cbor.AppendString(nil, strings.Repeat("x", size-2)) }
	// allocThen behaves for the request and not for answers: global 0 counts.
	allocThen := func(then []byte) []byte {
		return b.Body(b.GlobalGet, 0, b.I32Eqz, b.If, b.I32,
			b.Int32(1), b.GlobalSet, 0, b.Int32(requestAt), b.Else, then, b.End)
	}
	for _, c := range []struct {
		reason string
		alloc  []byte
		body   []byte
		caller hostcall.Caller
		fuel   int64
		want   []error
		text   string
	}{
		{reason: "a good call", body: good, caller: ok},
		{reason: "a pointer outside of memory", body: b.Body(hostCallOf(1, -16, 11), b.Drop), caller: ok,
			want: []error{ErrTrap, ErrPlugin}, text: "trapped: lattice_v1.host_call was called with a pointer outside of memory"},
		{reason: "a length outside of memory", body: b.Body(hostCallOf(1, messageAt, -1), b.Drop), caller: ok,
			want: []error{ErrTrap, ErrPlugin}, text: "trapped: lattice_v1.host_call was called with a pointer outside of memory"},
		{reason: "an unknown operation", body: b.Body(hostCallOf(99, messageAt, 11), b.Drop), caller: ok,
			want: []error{ErrTrap, ErrPlugin}, text: "trapped: lattice_v1.host_call was called with operation 99 is not an operation of the host"},
		{reason: "operation 0", body: b.Body(hostCallOf(0, messageAt, 11), b.Drop), caller: ok,
			want: []error{ErrTrap}, text: "trapped: lattice_v1.host_call was called with operation 0 is not an operation of the host"},
		{reason: "a call from inside of alloc", alloc: allocThen(b.Body(good, b.Int32(requestAt))), body: good, caller: ok,
			want: []error{ErrTrap, ErrPlugin},
			text: "trapped: lattice_v1.host_call was called from lattice_v1_alloc while the host made room for an answer"},
		{reason: "no room", alloc: allocThen(b.Int32(0)), body: good, caller: ok,
			want: []error{ErrTrap, ErrPlugin}, text: "trapped: lattice_v1_alloc returned no room for an answer of 2 bytes"},
		{reason: "room outside of memory", alloc: allocThen(b.Int32(-1)), body: good, caller: ok,
			want: []error{ErrTrap, ErrPlugin},
			text: "trapped: lattice_v1_alloc returned 4294967295 for an answer of 2 bytes, which is outside of its memory of 128 KiB"},
		{reason: "room that ends too early", alloc: allocThen(b.Int32(2*pageSize - 100)), body: good, caller: always(text(101)),
			want: []error{ErrTrap, ErrPlugin},
			text: "trapped: lattice_v1_alloc returned 130972 for an answer of 101 bytes, which is outside of its memory of 128 KiB"},
		{reason: "alloc traps", alloc: allocThen(b.Body(b.Unreachable)), body: good, caller: ok,
			want: []error{ErrTrap, ErrPlugin}, text: "trapped: unreachable"},
		{reason: "alloc never ends", alloc: allocThen(b.Body(b.Loop, b.NoResult, b.Br, 0, b.End, b.Int32(1))), body: good, caller: ok, fuel: 5_000_000,
			want: []error{ErrFuel, ErrPlugin}, text: "out of fuel: it spent its 5000000 units of fuel (limits.fuel of the manifest)"},
		{reason: "a flood", body: b.Body(b.Loop, b.NoResult, good, b.Br, 0, b.End), caller: ok, fuel: 50_000_000,
			want: []error{ErrFuel, ErrPlugin}, text: "out of fuel: it spent its 50000000 units of fuel (limits.fuel of the manifest)"},
		{reason: "answers cost fuel", body: good, caller: always(text(60_000)), fuel: 1_100_000,
			want: []error{ErrFuel}, text: "out of fuel: it spent its 1100000 units of fuel (limits.fuel of the manifest)"},
		{reason: "the host cannot answer", body: good, caller: caller(func(context.Context, *hostcall.Request) ([]byte, error) {
			return nil, hostcall.ErrNotRecorded
		}), want: []error{hostcall.ErrNotRecorded}, text: "not recorded"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			g := new(guestModule)
			callsHost(c.alloc, c.body)(g)
			g.GlobalInt32(0)
			g.Data(messageAt, []byte(message))
			manifest := asksForKV(jsonManifest())
			manifest.Limits.Fuel = c.fuel
			p := load(t, newRuntime(t, Config{}), manifest, g.build())
			_, err := p.Call(hostcall.With(t.Context(), c.caller), "main", abi.OpDerive, []byte(message))
			for _, want := range c.want {
				if !errors.Is(err, want) {
					t.Errorf("the error is not %q: %v", want, err)
				}
			}
			if c.want == nil && err != nil {
				t.Error(err)
			}
			if got := strings.Join(lines(err), "\n"); !strings.HasSuffix(got, c.text) {
				t.Errorf("the error is %s", got)
			}
			if errors.Is(err, hostcall.ErrNotRecorded) && errors.Is(err, ErrPlugin) {
				t.Error("the plugin was blamed")
			}
		})
	}
}

// An answer that a JSON plugin gets is JSON.
func TestHostCallSpeaksThePluginsEncoding(t *testing.T) {
	t.Parallel()
	const message = `{ "key" : "a" }`
	g := new(guestModule)
	// It answers what the host answered.
	g.ImportFunction(abi.ImportModule, abi.ImportHostCall, i32x3, i64)
	g.call = hostCallOf(1, messageAt, int32(len(message)))
	g.Data(messageAt, []byte(message))
	p := load(t, newRuntime(t, Config{}), asksForKV(jsonManifest()), g.build())
	value := (&abi.KVGetAnswer{Value: rawJSON(t, `{"b":1.0}`)}).AppendCBOR(nil)
	got, err := p.Call(hostcall.With(t.Context(), always(value)), "main", abi.OpDerive, []byte(`{}`))
	if err != nil || string(got) != `{"value":{"b":1.0}}` {
		t.Errorf("got %s, %v", got, err)
	}
}

// A call that waits for the world outside ends with the caller's context.
func TestHostCallIsInterrupted(t *testing.T) {
	t.Parallel()
	g := new(guestModule)
	callsHost(nil, b.Body(hostCallOf(1, messageAt, 11), b.Drop))(g)
	g.Data(messageAt, []byte(`{"key":"a"}`))
	p := load(t, newRuntime(t, Config{}), asksForKV(jsonManifest()), g.build())
	ctx, cancel := context.WithCancel(t.Context())
	waits := caller(func(ctx context.Context, _ *hostcall.Request) ([]byte, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	})
	_, err := p.Call(hostcall.With(ctx, waits), "main", abi.OpDerive, []byte(`{}`))
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrPlugin) {
		t.Errorf("got %v", err)
	}
}
