package hostile

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	checker "github.com/latticenet/lattice-host/abi/contract"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/wasm-tests/hostile/probe"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// outcome is how a hostile module ends: with any of these errors, or well if none exist.
type outcome struct {
	name   string
	errors []error
}

var (
	// refused: the release is not trusted, or the module is not loaded. Which of the two reads the
	// bytes first is not a promise.
	refused = outcome{"refused", []error{release.ErrNotTrusted, sandbox.ErrContract}}
	// untrusted: verifying the release refuses it.
	untrusted = outcome{"untrusted", []error{release.ErrNotTrusted}}
	// contract: loading refuses it.
	contract = outcome{"contract", []error{sandbox.ErrContract}}
	trap     = outcome{"trap", []error{sandbox.ErrTrap}}
	// endless: the host ends the call.
	endless = outcome{"endless", []error{sandbox.ErrFuel, sandbox.ErrTimeout}}
	// stopped: the stack or the fuel ends first.
	stopped   = outcome{"stopped", []error{sandbox.ErrTrap, sandbox.ErrFuel, sandbox.ErrTimeout}}
	memory    = outcome{"memory", []error{sandbox.ErrMemory}}
	badAnswer = outcome{"badAnswer", []error{sandbox.ErrBadAnswer}}
	ok        = outcome{"ok", nil}
)

func (o outcome) has(err error) bool {
	for _, want := range o.errors {
		if errors.Is(err, want) {
			return true
		}
	}
	return err == nil && len(o.errors) == 0
}

// hostile is one hostile module.
type hostile struct {
	name string
	// reason says what the module tries.
	reason string
	// guest shapes the plugin, which is healthy otherwise.
	guest func(*guest)
	// bytes changes the finished module, which has no manifest yet.
	bytes func([]byte) []byte
	// sections are manifest sections that the module has in place of the signed manifest. Nil puts
	// in the signed one.
	sections []string
	manifest func(*abi.Manifest)
	// validate calls the operation validate, raw derives without reading the answer.
	validate, raw bool
	want          outcome
	// check looks at a good answer: that of the operation, or its bytes if raw.
	check func(t *testing.T, answer any, unknown []string)
}

// Limits of the hostile modules, unless they have their own. Fuel is some ten milliseconds' worth.
const (
	fuel           = 20_000_000
	endlessMillis  = 300
	generousMillis = min(8_000*slowdown, abi.MaxTimeoutMillis)
	memoryBytes    = 4 << 20
	// safetyNet bounds a call whatever the limits do.
	safetyNet = 10 * time.Second * slowdown
)

func (h *hostile) signedManifest() *abi.Manifest {
	m := healthyManifest()
	m.Publisher, m.Name = "mallory", "evil"
	m.Limits = abi.Limits{MemoryBytes: memoryBytes, Fuel: fuel, TimeoutMillis: generousMillis}
	if h.want.name == endless.name {
		m.Limits.TimeoutMillis = endlessMillis
	}
	if h.manifest != nil {
		h.manifest(m)
	}
	return m
}

// wasm returns the module as its publisher ships it.
func (h *hostile) wasm(signed *abi.Manifest) []byte {
	var g guest
	if h.guest != nil {
		h.guest(&g)
	}
	wasm := g.bytes()
	if h.bytes != nil {
		wasm = h.bytes(wasm)
	}
	sections := h.sections
	if sections == nil {
		sections = []string{string(signed.CanonicalJSON())}
	}
	for _, s := range sections {
		wasm = withManifest(wasm, s)
	}
	return wasm
}

func withManifest(wasm []byte, manifest string) []byte {
	return b.Section(wasm, 0, append(b.Name(abi.ManifestSection), manifest...))
}

func healthyManifest() *abi.Manifest {
	m := probe.Manifest()
	m.Limits.TimeoutMillis = generousMillis
	return m
}

const healthyAnswer = `{"results":[{"severity":"info","message":"all is well"}]}`

func healthyResponse() *abi.Response {
	return &abi.Response{Results: []abi.Result{{Severity: abi.SeverityInfo, Message: "all is well"}}}
}

// publisher signs releases.
type publisher struct{ probe.Publisher }

func newPublisher(t *testing.T) publisher {
	t.Helper()
	p, err := probe.NewPublisher()
	if err != nil {
		t.Fatal(err)
	}
	return publisher{p}
}

// release signs and verifies a module that is as it should be.
func (p publisher) release(m *abi.Manifest, wasm []byte) (*release.Module, error) {
	return p.Release(probe.WithManifest(wasm, m))
}

// forge verifies any bytes under a good signature: that of a healthy module, made again for the
// digest of these.
func (p publisher) forge(m *abi.Manifest, wasm []byte) (*release.Module, error) {
	twin := withManifest((&guest{}).bytes(), string(m.CanonicalJSON()))
	bundle, err := release.Sign(p.Key, twin)
	if err != nil {
		return nil, err
	}
	parsed, err := release.ParseBundle(bundle)
	if err != nil {
		return nil, err
	}
	payload := bytes.ReplaceAll(parsed.Payload, hexDigest(twin), hexDigest(wasm))
	message := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(release.PayloadType), release.PayloadType, len(payload), payload)
	for _, change := range [][2][]byte{
		{parsed.Payload, payload}, {parsed.Signatures[0].Ed25519, ed25519.Sign(p.Key.Ed25519, message)},
	} {
		bundle = bytes.ReplaceAll(bundle, inBase64(change[0]), inBase64(change[1]))
	}
	return p.Verify(bundle, wasm, m)
}

func hexDigest(wasm []byte) []byte {
	return []byte(strings.TrimPrefix(release.Digest(wasm), "sha256:"))
}

func inBase64(data []byte) []byte { return base64.StdEncoding.AppendEncode(nil, data) }

// host is a process that runs plugins of both kinds.
type host struct {
	publisher
	runtime *sandbox.Runtime
	log     logWatch
	healthy *sandbox.Plugin
	// stuck is true when a call did not end, so that closing would wait forever.
	stuck bool
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{publisher: newPublisher(t)}
	r, err := sandbox.New(t.Context(), sandbox.Config{Log: h.log.add})
	if err != nil {
		t.Fatal(err)
	}
	h.runtime = r
	t.Cleanup(h.close(t))
	h.healthy = h.loadHealthy(t)
	return h
}

func (h *host) close(t *testing.T) func() {
	return func() {
		if h.stuck {
			return
		}
		if err := h.runtime.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

func (h *host) loadHealthy(t *testing.T) *sandbox.Plugin {
	t.Helper()
	m, err := h.release(healthyManifest(), (&guest{answer: healthyAnswer}).bytes())
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.runtime.Load(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// load verifies and loads a hostile module. The error is that of the first who refused it.
func (h *host) load(ctx context.Context, c *hostile) (*sandbox.Plugin, error) {
	manifest := c.signedManifest()
	m, err := h.forge(manifest, c.wasm(manifest))
	if err != nil {
		return nil, err
	}
	return h.runtime.Load(ctx, m)
}

// serve calls the healthy plugin, which must answer as ever.
func (h *host) serve(ctx context.Context) error {
	got, unknown, err := h.healthy.Derive(ctx, request())
	if err != nil {
		return err
	}
	if diff := cmp.Diff(healthyResponse(), got); diff != "" || unknown != nil {
		return fmt.Errorf("the answer has unknown keys %q and differs (-want +got):\n%s", unknown, diff)
	}
	return nil
}

func request() *abi.Request {
	return &abi.Request{ABI: abi.Version, Step: "main", Round: 1, Resource: cbor.AppendObjectHeader(nil, 0)}
}

// ask calls a hostile plugin and checks its answer as a pipeline does.
func (c *hostile) ask(ctx context.Context, p *sandbox.Plugin) (answer any, unknown []string, err error) {
	var problems []checker.Problem
	switch {
	case c.raw:
		answer, err = p.Call(ctx, "main", abi.OpDerive, []byte("{}"))
	case c.validate:
		var response *abi.ValidateResponse
		if response, unknown, err = p.Validate(ctx, &abi.ValidateRequest{ABI: abi.Version}); err == nil {
			problems = checker.CheckResults(response.Results)
		}
		answer = response
	default:
		var response *abi.Response
		if response, unknown, err = p.Derive(ctx, request()); err == nil {
			problems = checker.Check(response, p.Manifest())
		}
		answer = response
	}
	if len(problems) > 0 {
		return nil, nil, broken(problems)
	}
	return answer, unknown, err
}

// broken is the failure of a plugin whose answer breaks the checker.
func broken(problems []checker.Problem) error {
	var all []error
	for i := range problems {
		all = append(all, &sandbox.Error{Err: fmt.Errorf("%w: %w", sandbox.ErrBadAnswer, &problems[i])})
	}
	return errors.Join(all...)
}

// patience is how long after the safety net a call must have ended.
const patience = 5 * time.Second

// bounded runs f. The safety net is far above every limit.
func (h *host) bounded(t *testing.T, f func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), safetyNet)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(ctx)
	}()
	select {
	case <-done:
	case <-time.After(safetyNet + patience):
		h.stuck = true
		t.Fatal("the host is stuck: neither the limits nor the context ended the call")
	}
}

// attack loads and calls one hostile module, twice since the second call may find what the first
// one left.
func (h *host) attack(t *testing.T, c *hostile) {
	t.Helper()
	var p *sandbox.Plugin
	var err error
	h.bounded(t, func(ctx context.Context) { p, err = h.load(ctx, c) })
	if err != nil {
		h.judge(t, c, err)
		return
	}
	defer h.unload(t, p)
	var first any
	for call := range 2 {
		var answer any
		var unknown []string
		h.log.reset()
		h.bounded(t, func(ctx context.Context) { answer, unknown, err = c.ask(ctx, p) })
		// What one call left over does not count for the next.
		runtime.GC()
		h.judge(t, c, err)
		h.log.check(t)
		if err != nil {
			continue
		}
		if call == 0 {
			first = answer
		}
		if diff := cmp.Diff(first, answer); diff != "" {
			t.Errorf("the second call answers something else (-first +second):\n%s", diff)
		}
		if c.check != nil {
			c.check(t, answer, unknown)
		}
	}
}

func (h *host) unload(t *testing.T, p *sandbox.Plugin) {
	if h.stuck {
		return
	}
	if err := p.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// judge compares how a module ended with how it must.
func (h *host) judge(t *testing.T, c *hostile, err error) {
	t.Helper()
	if !c.want.has(err) {
		t.Errorf("%s: ended with %v, must be %s", c.reason, err, c.want.name)
	}
	if err == nil {
		return
	}
	if !errors.Is(err, sandbox.ErrPlugin) && !errors.Is(err, release.ErrNotTrusted) {
		t.Errorf("the plugin is not blamed: %v", err)
	}
	presentable(t, err.Error())
}

// maxError is more than fifty violations take.
const maxError = 64 << 10

// presentable checks that a terminal shows a message as it is.
func presentable(t *testing.T, text string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		if strings.ContainsFunc(line, deceptive) {
			t.Errorf("the message has control characters: %q", line)
		}
	}
	if len(text) > maxError {
		t.Errorf("the message has %d bytes", len(text))
	}
}

func deceptive(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// logWatch counts messages and keeps those that must not be.
type logWatch struct {
	mu    sync.Mutex
	count int
	bad   []string
}

func (l *logWatch) add(m sandbox.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	if len(m.Text) > abi.MaxLogBytes || strings.ContainsFunc(m.Text, deceptive) {
		l.bad = append(l.bad, m.Text)
	}
}

func (l *logWatch) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count, l.bad = 0, nil
}

// check looks at what one call logged. Making an instance is allowed a log of its own; one message
// says that more were dropped.
func (l *logWatch) check(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if most := 2 * (abi.MaxLogMessages + 1); l.count > most {
		t.Errorf("one call logged %d messages, at most %d are kept", l.count, most)
	}
	for _, text := range l.bad {
		t.Errorf("a message of %d bytes is not fit for a log: %.100q", len(text), text)
	}
}

// heap returns how much memory Go has taken from the system for its heap, in bytes.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapSys
}
