package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// forever is a loop without an end.
func forever() []byte {
	return wasmbuild.Body(wasmbuild.Loop, wasmbuild.NoResult, wasmbuild.Br, 0, wasmbuild.End, wasmbuild.Unreachable)
}

func TestCall(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	for _, c := range []struct {
		reason   string
		guest    guestModule
		change   func(*guestModule)
		manifest func(*abi.Manifest)
		want     string
		err      error
		text     string
	}{
		{reason: "the answer comes back", guest: guestModule{answer: "{}"}, want: "{}"},
		{
			reason: "an unreachable instruction", guest: guestModule{call: []byte{wasmbuild.Unreachable}},
			err: ErrTrap, text: "step main: in lattice_v1_call: trapped: unreachable",
		},
		{
			reason: "a trap while allocating", guest: guestModule{alloc: []byte{wasmbuild.Unreachable}},
			err: ErrTrap, text: "step main: in lattice_v1_alloc: trapped: unreachable",
		},
		{
			reason: "a trap at the start",
			change: func(g *guestModule) {
				g.Start(g.Function(noTypes, noTypes, 0, []byte{wasmbuild.Unreachable}))
			},
			err: ErrTrap, text: "step main: at its start: trapped: unreachable",
		},
		{
			reason: "a trap in _initialize",
			change: func(g *guestModule) {
				g.Export("_initialize", wasmbuild.Function, g.Function(noTypes, noTypes, 0, []byte{wasmbuild.Unreachable}))
			},
			err: ErrTrap, text: "step main: in _initialize: trapped: unreachable",
		},
		{
			reason: "a division by zero",
			guest:  guestModule{call: wasmbuild.Body(wasmbuild.Int64(1), wasmbuild.Int64(0), 0x7f)},
			err:    ErrTrap, text: "step main: in lattice_v1_call: trapped: integer divide by zero",
		},
		{
			reason: "a recursion without end",
			change: func(g *guestModule) {
				// The function calls itself: it is the first one.
				g.call = wasmbuild.Body(wasmbuild.Call, 0, wasmbuild.Int64(0))
				g.Function(noTypes, noTypes, 0, wasmbuild.Body(wasmbuild.Call, 0))
			},
			err: ErrTrap, text: "step main: in lattice_v1_call: trapped: stack overflow",
		},
		{
			reason: "no room for the request", guest: guestModule{alloc: wasmbuild.Int32(0)},
			err: ErrBadAnswer, text: "step main: bad answer: lattice_v1_alloc returned no room for a request of 7 bytes",
		},
		{
			reason: "room outside of memory", guest: guestModule{alloc: wasmbuild.Int32(2*pageSize - 6)},
			err: ErrBadAnswer, text: "step main: bad answer: lattice_v1_alloc returned 131066 for a request of 7 bytes, which is outside of its memory of 128 KiB",
		},
		{
			reason: "room at a negative address", guest: guestModule{alloc: wasmbuild.Int32(-1)},
			err: ErrBadAnswer, text: "step main: bad answer: lattice_v1_alloc returned 4294967295 for a request of 7 bytes, which is outside of its memory of 128 KiB",
		},
		{
			reason: "an answer outside of memory", guest: guestModule{call: packed(0xffff_fff0, 32)},
			err: ErrBadAnswer, text: "step main: bad answer: 32 bytes at 4294967280 are outside of the plugin's memory of 128 KiB",
		},
		{
			reason: "an answer that leaves memory", guest: guestModule{call: packed(2*pageSize-1, 2)},
			err: ErrBadAnswer, text: "step main: bad answer: 2 bytes at 131071 are outside of the plugin's memory of 128 KiB",
		},
		{
			reason: "an answer with a length that lies", guest: guestModule{call: packed(answerAt, 0xffff_ffff)},
			err: ErrBadAnswer, text: "step main: bad answer: it has 4294967295 bytes, the limit is 16 MiB",
		},
		{
			reason: "an empty answer", guest: guestModule{call: packed(answerAt, 0)},
			err: ErrBadAnswer, text: "step main: bad answer: it is empty",
		},
		{
			reason: "a loop without end", guest: guestModule{call: forever()},
			manifest: func(m *abi.Manifest) { m.Limits.TimeoutMillis = 50 },
			err:      ErrTimeout, text: "step main: timed out: no answer within 50ms (limits.timeoutMillis of the manifest)",
		},
		{
			reason:   "a loop at the start",
			change:   func(g *guestModule) { g.Start(g.Function(noTypes, noTypes, 0, forever())) },
			manifest: func(m *abi.Manifest) { m.Limits.TimeoutMillis = 50 },
			err:      ErrTimeout, text: "step main: timed out: no answer within 50ms (limits.timeoutMillis of the manifest)",
		},
		{
			reason: "memory that grows until it may not, in steps of 4 MiB",
			guest: guestModule{call: wasmbuild.Body(
				wasmbuild.Loop, wasmbuild.NoResult,
				wasmbuild.Int32(64), wasmbuild.MemoryGrow, 0, wasmbuild.Int32(-1), wasmbuild.I32Eq,
				wasmbuild.If, wasmbuild.NoResult, wasmbuild.Unreachable, wasmbuild.End,
				wasmbuild.Br, 0, wasmbuild.End, wasmbuild.Unreachable)},
			manifest: func(m *abi.Manifest) { m.Limits.TimeoutMillis = abi.MaxTimeoutMillis },
			err:      ErrMemory, text: "step main: in lattice_v1_call: trapped, out of memory: it may have 64 MiB (limits.memoryBytes of the manifest): unreachable",
		},
		{
			reason: "an exit", change: func(g *guestModule) {
				exit := g.ImportFunction("wasi_snapshot_preview1", "proc_exit", i32, noTypes)
				g.call = wasmbuild.Body(wasmbuild.Int32(0), wasmbuild.Call, int(exit), wasmbuild.Unreachable)
			},
			err: ErrTrap, text: "step main: in lattice_v1_call: trapped: it exited with code 0",
		},
		{
			reason: "an exit with the code that the engine uses for a timeout", change: func(g *guestModule) {
				exit := g.ImportFunction("wasi_snapshot_preview1", "proc_exit", i32, noTypes)
				g.call = wasmbuild.Body(wasmbuild.Int32(-0x1000_0001), wasmbuild.Call, int(exit), wasmbuild.Unreachable)
			},
			err: ErrTrap, text: "step main: in lattice_v1_call: trapped: it exited with code 4026531839",
		},
		{
			reason: "a log message outside of memory", change: func(g *guestModule) {
				log := g.ImportFunction("lattice_v1", "log", i32x3, noTypes)
				g.call = wasmbuild.Body(wasmbuild.Int32(1), wasmbuild.Int32(-1), wasmbuild.Int32(8), wasmbuild.Call, int(log), wasmbuild.Unreachable)
			},
			err: ErrTrap, text: "step main: in lattice_v1_call: trapped: lattice_v1.log was called with a pointer outside of memory",
		},
		{
			reason: "a request beyond the default",
			// 7 bytes are sent.
			manifest: func(m *abi.Manifest) { m.Limits.RequestBytes = 6 },
			err:      ErrRequestTooLarge,
			text:     "step main: request too large: it has 7 bytes, the limit is 6 bytes; the plugin's author can raise it to 16 MiB with limits.requestBytes of the manifest",
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
			p := load(t, r, manifest, c.guest.build())
			// The second call shows that the first one broke nothing.
			for range 2 {
				answer, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(`{"a":1}`))
				if string(answer) != c.want || !errors.Is(err, c.err) {
					t.Fatalf("got %q, %v; want %q, %v", answer, err, c.want, c.err)
				}
				if err != nil && !errors.Is(err, ErrPlugin) {
					t.Errorf("the error is not of a plugin: %v", err)
				}
				if got := strings.Join(lines(err), "\n"); got != c.text {
					t.Errorf("message\n got %s\nwant %s", got, c.text)
				}
			}
		})
	}
}

func TestRequestBeyondEveryPlugin(t *testing.T) {
	t.Parallel()
	manifest := jsonManifest()
	manifest.Limits.RequestBytes = abi.MaxRequestBytes
	p := load(t, newRuntime(t, Config{}), manifest, (&guestModule{answer: "{}"}).build())
	_, err := p.Call(t.Context(), "", abi.OpDerive, make([]byte, abi.MaxRequestBytes+1))
	want := []string{"request too large: it has 16777217 bytes, no plugin takes more than 16 MiB; make the resource smaller"}
	if diff := cmp.Diff(want, lines(err)); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

// TestRow59_MemoryLimit counts how far memory grows: the answer's length is the number of pages.
func TestRow59_MemoryLimit(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	for _, c := range []struct {
		reason string
		limit  int64
		pages  int
	}{
		{"the contract's limit", 0, abi.MaxMemoryBytes / pageSize},
		{"the manifest's limit", 1 << 20, 16},
		{"a limit within a page rounds down", 1<<20 - 1, 15},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			const i64ExtendI32U = 0xad
			const memorySize = 0x3f
			manifest := jsonManifest()
			manifest.Limits.MemoryBytes = c.limit
			g := guestModule{call: wasmbuild.Body(
				// Grow page by page until it fails, then answer memory.size bytes from address 0.
				wasmbuild.Loop, wasmbuild.NoResult,
				wasmbuild.Int32(1), wasmbuild.MemoryGrow, 0, wasmbuild.Int32(-1), wasmbuild.I32Eq,
				wasmbuild.If, wasmbuild.NoResult, wasmbuild.Else, wasmbuild.Br, 1, wasmbuild.End,
				wasmbuild.End,
				memorySize, 0, i64ExtendI32U)}
			answer, err := load(t, r, manifest, g.build()).Call(t.Context(), "", abi.OpDerive, []byte("{}"))
			if err != nil || len(answer) != c.pages {
				t.Errorf("memory grew to %d pages, %v; want %d", len(answer), err, c.pages)
			}
		})
	}
}

// TestTableLimit proves that a table that the module leaves open cannot eat the host's memory.
func TestTableLimit(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	for _, c := range []struct {
		reason string
		most   int64
		by     int32
		want   []string
	}{
		{"up to the limit", -1, maxTableElements - 1, nil},
		{"beyond the limit", -1, maxTableElements, []string{"in lattice_v1_call: trapped: unreachable"}},
		{"beyond the limit, with a larger maximum", 1 << 31, maxTableElements, []string{"in lattice_v1_call: trapped: unreachable"}},
		{"beyond the module's own maximum", 10, 10, []string{"in lattice_v1_call: trapped: unreachable"}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			g := guestModule{answer: "{}"}
			g.Table(1, c.most)
			g.call = wasmbuild.Body(
				wasmbuild.RefNull, wasmbuild.FuncRef, wasmbuild.Int32(c.by), wasmbuild.TableGrow(),
				wasmbuild.Int32(-1), wasmbuild.I32Eq, wasmbuild.If, wasmbuild.NoResult, wasmbuild.Unreachable, wasmbuild.End,
				packed(answerAt, 2))
			_, err := load(t, r, jsonManifest(), g.build()).Call(t.Context(), "", abi.OpDerive, []byte("{}"))
			if diff := cmp.Diff(c.want, lines(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStateDoesNotLeak(t *testing.T) {
	t.Parallel()
	// Each call counts a global and a cell of memory up, and answers that many bytes.
	g := guestModule{answer: strings.Repeat("x", 100)}
	g.GlobalInt32(1)
	const i64ExtendI32U, i64Or = 0xad, 0x84
	g.call = wasmbuild.Body(
		wasmbuild.GlobalGet, 0, i64ExtendI32U, packed(answerAt, 0), i64Or,
		wasmbuild.GlobalGet, 0, wasmbuild.Int32(1), wasmbuild.I32Add, wasmbuild.GlobalSet, 0)
	p := load(t, newRuntime(t, Config{}), jsonManifest(), g.build())
	for range 3 {
		answer, err := p.Call(t.Context(), "", abi.OpDerive, []byte("{}"))
		if err != nil || string(answer) != "x" {
			t.Fatalf("got %q, %v", answer, err)
		}
	}
}

func TestRow59_Cancel(t *testing.T) {
	t.Parallel()
	manifest := jsonManifest()
	manifest.Limits.TimeoutMillis = abi.MaxTimeoutMillis
	p := load(t, newRuntime(t, Config{}), manifest, (&guestModule{call: forever()}).build())
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	begin := time.Now()
	_, err := p.Call(ctx, "main", abi.OpDerive, []byte("{}"))
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrTimeout) || errors.Is(err, ErrPlugin) {
		t.Errorf("the cancellation came back as %v", err)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("the loop ran on for %s", took)
	}
	if diff := cmp.Diff([]string{"step main: the call was interrupted: context canceled"}, lines(err)); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if _, err := p.Call(ctx, "main", abi.OpDerive, []byte("{}")); !errors.Is(err, context.Canceled) {
		t.Errorf("a call after the cancellation gave %v", err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason string
		close  func(*Runtime, *Plugin) error
	}{
		{"the plugin, without patience", func(_ *Runtime, p *Plugin) error {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return p.Close(ctx)
		}},
		{"the runtime", func(r *Runtime, _ *Plugin) error { return r.Close(context.Background()) }},
		{"both at once", func(r *Runtime, p *Plugin) error {
			done := make(chan error)
			go func() { done <- r.Close(context.Background()) }()
			return errors.Join(p.Close(context.Background()), <-done)
		}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			r := newRuntime(t, Config{})
			p := load(t, r, jsonManifest(), (&guestModule{call: forever()}).build())
			ended := make(chan error)
			for range 4 {
				go func() {
					_, err := p.Call(t.Context(), "main", abi.OpDerive, []byte("{}"))
					ended <- err
				}()
			}
			time.Sleep(50 * time.Millisecond)
			if err := c.close(r, p); err != nil {
				t.Error(err)
			}
			for range 4 {
				if err := <-ended; !errors.Is(err, ErrClosed) || errors.Is(err, ErrPlugin) {
					t.Errorf("a running call ended with %v", err)
				}
			}
			if _, err := p.Call(t.Context(), "main", abi.OpDerive, []byte("{}")); !errors.Is(err, ErrClosed) {
				t.Errorf("a call after closing gave %v", err)
			}
			if err := c.close(r, p); err != nil {
				t.Errorf("closing twice: %v", err)
			}
		})
	}
}

// A plugin that is closed answers those who called it before.
func TestPluginRetires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRuntime(t, Config{})
		r.pool.cores = 1
		p := loadSpreaders(t, r, 1)[0]
		_, taken := borrow(t, p)
		inside := callSoon(t.Context(), p)
		closed := make(chan error, 1)
		go func() { closed <- p.Close(context.Background()) }()
		synctest.Wait()
		if _, err := p.Call(t.Context(), "main", abi.OpDerive, []byte("{}")); !errors.Is(err, ErrClosed) {
			t.Errorf("a call after closing gave %v", err)
		}
		select {
		case err := <-closed:
			t.Errorf("closing did not wait: %v", err)
		default:
		}
		r.pool.release(taken)
		if err := inside(); err != nil {
			t.Errorf("a call from before closing gave %v", err)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

func TestLoadClosed(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := r.Load(t.Context(), sign(t, jsonManifest(), (&guestModule{}).build()))
	if !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestLogFlood(t *testing.T) {
	t.Parallel()
	g := guestModule{answer: "{}"}
	log := g.ImportFunction("lattice_v1", "log", i32x3, noTypes)
	g.Data(2048, []byte("noise"))
	g.callLocals = 1
	g.call = wasmbuild.Body(
		wasmbuild.Loop, wasmbuild.NoResult,
		wasmbuild.Int32(0), wasmbuild.Int32(2048), wasmbuild.Int32(5), wasmbuild.Call, int(log),
		// Local 3 is the first after the parameters.
		wasmbuild.LocalGet, 3, wasmbuild.Int32(1), wasmbuild.I32Add, wasmbuild.LocalTee, 3,
		wasmbuild.Int32(2000), wasmbuild.I32LtS, wasmbuild.BrIf, 0,
		wasmbuild.End, packed(answerAt, 2))
	var got messages
	p := load(t, newRuntime(t, Config{Log: got.add}), jsonManifest(), g.build())
	for call := range 2 {
		got.all = nil
		if _, err := p.Call(t.Context(), "", abi.OpDerive, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		texts := got.texts()
		if len(texts) != abi.MaxLogMessages+1 || texts[0] != "debug: noise" || texts[abi.MaxLogMessages] != "warning: further messages dropped" {
			t.Errorf("call %d: %d messages, the last is %q", call, len(texts), texts[len(texts)-1])
		}
	}
}

// TestDerive shows both encodings all the way.
func TestDerive(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	want := &abi.Response{
		Outputs: []abi.Output{{
			Ref:      abi.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: "media", Name: "web"},
			Document: document(t, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"web","namespace":"media"},"data":{"a":"b"}}`),
		}},
		Results: []abi.Result{{Severity: abi.SeverityInfo, Field: "spec", Message: "done"}},
	}
	for _, encoding := range []abi.Encoding{abi.EncodingCBOR, abi.EncodingJSON} {
		t.Run(string(encoding), func(t *testing.T) {
			t.Parallel()
			manifest := jsonManifest()
			manifest.Encoding = encoding
			answer, err := abi.Encode(nil, want, encoding)
			if err != nil {
				t.Fatal(err)
			}
			p := load(t, r, manifest, (&guestModule{answer: string(answer)}).build())
			got, unknown, err := p.Derive(t.Context(), &abi.Request{ABI: 1, Step: "main", Round: 1, Resource: cbor.AppendObjectHeader(nil, 0)})
			if err != nil || unknown != nil {
				t.Fatalf("%v, unknown %q", err, unknown)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
		})
	}
}

func document(t *testing.T, json string) cbor.Raw {
	t.Helper()
	data, err := cbor.FromJSON(nil, []byte(json), abi.MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDeriveBadMessages(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	for _, c := range []struct {
		reason   string
		encoding abi.Encoding
		answer   string
		// want is nil where the words are those of package cbor alone.
		want []string
	}{
		{"no JSON", abi.EncodingJSON, "nonsense", nil},
		{"no UTF-8", abi.EncodingJSON, "{\"results\":\"\xff\"}", []string{"bad answer: results: text is not valid UTF-8"}},
		{"bytes after the answer", abi.EncodingJSON, "{} {}", []string{"bad answer: byte 3: bytes follow the end of the message"}},
		{"too deep", abi.EncodingJSON, strings.Repeat("[", 200) + strings.Repeat("]", 200), nil},
		{"another type", abi.EncodingJSON, `{"outputs":7}`, []string{"bad answer: outputs: want an array, got an integer"}},
		{"JSON from a plugin that speaks CBOR", abi.EncodingCBOR, "{}", nil},
		{"CBOR with a tag", abi.EncodingCBOR, "\xc0\xa0", []string{"bad answer: byte 0: a tag is not part of the data model"}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			manifest := jsonManifest()
			manifest.Encoding = c.encoding
			p := load(t, r, manifest, (&guestModule{answer: c.answer}).build())
			_, _, err := p.Derive(t.Context(), &abi.Request{ABI: 1, Round: 1, Resource: cbor.AppendObjectHeader(nil, 0)})
			if !errors.Is(err, ErrBadAnswer) || !errors.Is(err, ErrPlugin) {
				t.Errorf("the error is not about an answer: %v", err)
			}
			if diff := cmp.Diff(c.want, lines(err)); c.want != nil && diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeriveUnknownKeys(t *testing.T) {
	t.Parallel()
	answer := `{"later":1,"bad\u001bkey":2`
	for i := range 100 {
		answer += fmt.Sprintf(`,"k%02d":0`, i)
	}
	p := load(t, newRuntime(t, Config{}), jsonManifest(), (&guestModule{answer: answer + "}"}).build())
	_, unknown, err := p.Derive(t.Context(), &abi.Request{ABI: 1, Round: 1, Resource: cbor.AppendObjectHeader(nil, 0)})
	if err != nil || len(unknown) != maxShownKeys || strings.ContainsRune(strings.Join(unknown, ""), '\x1b') {
		t.Errorf("got %q, %v", unknown, err)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	for _, c := range []struct {
		reason, answer string
		want           *abi.ValidateResponse
		err            []string
	}{
		{"nothing to say", "{}", &abi.ValidateResponse{}, nil},
		{"an error in the settings", `{"results":[{"severity":"error","field":"size","message":"is too big"}]}`, &abi.ValidateResponse{
			Results: []abi.Result{{Severity: abi.SeverityError, Field: "size", Message: "is too big"}},
		}, nil},
		{"no response", `{"results":7}`, nil, []string{"bad answer: results: want an array, got an integer"}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			p := load(t, r, jsonManifest(), (&guestModule{answer: c.answer}).build())
			got, _, err := p.Validate(t.Context(), &abi.ValidateRequest{ABI: 1})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.err, lines(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}
