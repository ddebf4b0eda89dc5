package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

var (
	i32     = []byte{wasmbuild.I32}
	i32x3   = []byte{wasmbuild.I32, wasmbuild.I32, wasmbuild.I32}
	i64     = []byte{wasmbuild.I64}
	i32x4   = append(i32x3[:3:3], wasmbuild.I32)
	noTypes []byte
)

const (
	requestAt = 1024
	answerAt  = 4096
)

// jsonManifest returns a manifest that tests change.
func jsonManifest() *abi.Manifest {
	return &abi.Manifest{
		Schema: abi.ManifestSchema, Publisher: "acme", Name: "web", Version: "1.2.3", ABI: abi.Version,
		Encoding: abi.EncodingJSON,
		Derives:  []abi.Derives{{Group: "lattice.dev", Kind: "LatticeService"}},
		Outputs:  []abi.GroupKind{{Kind: "ConfigMap"}, {Group: "apps", Kind: "Deployment"}},
	}
}

// guestModule collects the functions of a plugin for wasmbuild. Zero parts are those of a good
// plugin.
type guestModule struct {
	wasmbuild.Module
	// alloc and call are function bodies.
	alloc, call []byte
	callLocals  uint32
	answer      string
	pages       uint32
	// most is the maximum of the memory; 0 declares none.
	most int64
	// drop and rename change the exports.
	drop   string
	rename map[string]string
}

func packed(ptr, size uint32) []byte { return wasmbuild.Int64(int64(uint64(ptr)<<32 | uint64(size))) }

func (g *guestModule) build() []byte {
	if g.alloc == nil {
		g.alloc = wasmbuild.Int32(requestAt)
	}
	if g.call == nil {
		g.call = packed(answerAt, uint32(len(g.answer)))
	}
	if g.pages == 0 {
		g.pages = 2
	}
	if g.most == 0 {
		g.most = -1
	}
	g.Memory(g.pages, g.most)
	g.Data(answerAt, []byte(g.answer))
	alloc := g.Function(i32, i32, 0, g.alloc)
	call := g.Function(i32x3, i64, g.callLocals, g.call)
	g.export(abi.ExportMemory, wasmbuild.Memory, 0)
	g.export(abi.ExportAlloc, wasmbuild.Function, alloc)
	g.export(abi.ExportCall, wasmbuild.Function, call)
	return g.Bytes()
}

func (g *guestModule) export(name string, kind byte, index uint32) {
	if name == g.drop {
		return
	}
	if other, ok := g.rename[name]; ok {
		name = other
	}
	g.Export(name, kind, index)
}

// sign makes a verified module.
func sign(t testing.TB, manifest *abi.Manifest, wasm []byte) *release.Module {
	t.Helper()
	wasm, err := release.AppendManifestSection(wasm, manifest.CanonicalJSON())
	if err != nil {
		t.Fatal(err)
	}
	return verify(t, manifest, wasm)
}

func verify(t testing.TB, manifest *abi.Manifest, wasm []byte) *release.Module {
	t.Helper()
	key, err := release.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := release.Sign(key, wasm)
	if err != nil {
		t.Fatal(err)
	}
	m, err := release.Verify(bundle, wasm, release.Want{
		Publisher: manifest.Publisher, Name: manifest.Name, Version: manifest.Version,
		Digest: release.Digest(wasm), Rule: release.AnyOf(key.Public()),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// messages collects a log.
type messages struct {
	mu  sync.Mutex
	all []Message
}

func (m *messages) add(message Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, message)
}

func (m *messages) texts() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var texts []string
	for _, message := range m.all {
		texts = append(texts, message.Level.String()+": "+message.Text)
	}
	return texts
}

func newRuntime(t testing.TB, c Config) *Runtime {
	t.Helper()
	if c.Compiler == nil {
		c.Compiler = ownCompiler()
	}
	r, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func load(t testing.TB, r *Runtime, manifest *abi.Manifest, wasm []byte) *Plugin {
	t.Helper()
	p, err := r.Load(t.Context(), sign(t, manifest, wasm))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// loadWith loads a plugin into a runtime of its own, whose instances have the given memories.
func loadWith(t testing.TB, c Config, m memories, manifest *abi.Manifest, wasm []byte) *Plugin {
	t.Helper()
	r := newRuntime(t, c)
	if err := r.memories.close(); err != nil {
		t.Fatal(err)
	}
	r.memories = unclosed{m}
	return load(t, r, manifest, wasm)
}

// unclosed are memories that several runtimes share.
type unclosed struct{ memories }

func (unclosed) close() error { return nil }

// borrow takes an instance out of the pool, and returns it with the context of a guest. It must be
// dropped or given back.
func borrow(t testing.TB, p *Plugin) (context.Context, *instance) {
	t.Helper()
	i, err := p.instances.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if i.module == nil {
		if _, err := p.make(t.Context(), i, ""); err != nil {
			t.Fatal(err)
		}
	}
	ctx, _ := p.withGuest(t.Context(), "")
	return ctx, i
}

// lines splits an error into its lines, without the plugin's name in front.
func lines(err error) []string {
	if err == nil {
		return nil
	}
	all := strings.Split(err.Error(), "\n")
	for i, l := range all {
		if _, rest, found := strings.Cut(l, "): "); found {
			all[i] = rest
		}
	}
	return all
}

// shared is what several tests use since it takes seconds to make: a plugin that the Go toolchain
// built, and a compilation cache that has it.
type shared struct {
	dir  string
	wasm []byte
}

func (s *shared) cacheDir() string { return filepath.Join(s.dir, "cache") }

var goGuest = sync.OnceValues(func() (*shared, error) {
	dir, err := os.MkdirTemp("", "sandbox-guest-*")
	if err != nil {
		return nil, err
	}
	s := &shared{dir: dir}
	file := filepath.Join(dir, "guest.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-o", file, "./testdata/guest")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return s, err
	}
	if s.wasm, err = os.ReadFile(file); err != nil {
		return s, err
	}
	r, err := New(context.Background(), Config{CacheDir: s.cacheDir()})
	if err != nil {
		return s, err
	}
	m, err := parseModule(s.wasm)
	if err != nil {
		return s, err
	}
	metered, err := meter.Rewrite(prepare(s.wasm, m), meterOptions())
	if err != nil {
		return s, err
	}
	_, err = r.compile(context.Background(), identity{}, metered)
	return s, errors.Join(err, r.Close(context.Background()))
})

// compilerArgument makes the test program do what [CompileMain] does.
const compilerArgument = "compile"

// ownCompiler is the [Config.Compiler] of tests.
func ownCompiler() []string { return []string{os.Args[0], compilerArgument} }

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == compilerArgument {
		os.Exit(CompileMain(os.Args[2:], os.Stdin, os.Stderr))
	}
	code := m.Run()
	if guestWasBuilt.Load() {
		if s, _ := goGuest(); s != nil {
			_ = os.RemoveAll(s.dir)
		}
	}
	os.Exit(code)
}

var guestWasBuilt atomic.Bool

func buildGoGuest(t testing.TB) *shared {
	t.Helper()
	guestWasBuilt.Store(true)
	s, err := goGuest()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// loadGoGuest loads the guest into a runtime of its own, with as much time for a call as there is.
func loadGoGuest(t testing.TB, log func(Message), change func(*abi.Manifest)) *Plugin {
	t.Helper()
	s := buildGoGuest(t)
	manifest := jsonManifest()
	manifest.Limits.TimeoutMillis = abi.MaxTimeoutMillis
	if change != nil {
		change(manifest)
	}
	return load(t, newRuntime(t, Config{CacheDir: s.cacheDir(), Log: log}), manifest, s.wasm)
}
