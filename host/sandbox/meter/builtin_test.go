package meter_test

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

const builtinDir = "../../../plugins/builtin"

// builtins holds, by the name of a built-in plugin, what builds it once in a process.
var builtins sync.Map

// builtin returns the module of a built-in plugin.
func builtin(t testing.TB, name string) []byte {
	t.Helper()
	once, _ := builtins.LoadOrStore(name, sync.OnceValues(func() ([]byte, error) { return build(name) }))
	wasm, err := once.(func() ([]byte, error))()
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

func build(name string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "meter-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "plugin.wasm")
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-ldflags=-s", "-o", file,
		filepath.Join(builtinDir, name, "main.go"))
	c.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// requests returns derivations of all resources that a plugin's own tests have.
func requests(t testing.TB, name string) [][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(builtinDir, name, "testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data of %s: %v", name, err)
	}
	var all [][]byte
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "resource.yaml" })
		if i < 0 {
			continue
		}
		all = append(all, request(t, archive.Files[i].Data))
	}
	return all
}

func request(t testing.TB, document []byte) []byte {
	t.Helper()
	json, err := yaml.YAMLToJSON(document)
	if err != nil {
		t.Fatal(err)
	}
	resource, err := cbor.FromJSON(nil, json, abi.MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	r := abi.Request{ABI: abi.Version, Step: "test", Round: 1, Resource: resource}
	return r.AppendCBOR(nil)
}

// plugin is an instance of a built-in plugin.
type plugin struct {
	alloc, call api.Function
	memory      api.Memory
}

func start(t testing.TB, r wazero.Runtime, wasm []byte) (plugin, api.Module) {
	t.Helper()
	i := instantiate(t, r, wasm)
	if _, err := i.ExportedFunction(abi.ExportInitialize).Call(t.Context()); err != nil {
		t.Fatal(err)
	}
	return plugin{i.ExportedFunction(abi.ExportAlloc), i.ExportedFunction(abi.ExportCall), i.Memory()}, i
}

func (p plugin) derive(t testing.TB, request []byte) []byte {
	t.Helper()
	ptr, err := p.alloc.Call(t.Context(), uint64(len(request)))
	if err != nil {
		t.Fatal(err)
	}
	p.memory.Write(uint32(ptr[0]), request)
	packed, err := p.call.Call(t.Context(), uint64(abi.OpDerive), ptr[0], uint64(len(request)))
	if err != nil {
		t.Fatal(err)
	}
	answer, ok := p.memory.Read(uint32(packed[0]>>32), uint32(packed[0]))
	if !ok {
		t.Fatal("the answer is outside of memory")
	}
	return bytes.Clone(answer)
}

// TestBuiltinPlugins proves on real modules that metering changes no answer and that fuel does not
// depend on the instance.
func TestBuiltinPlugins(t *testing.T) {
	t.Parallel()
	manifests, err := filepath.Glob(filepath.Join(builtinDir, "*", "plugin.yaml"))
	if err != nil || len(manifests) == 0 {
		t.Fatalf("no plugins below %s: %v", builtinDir, err)
	}
	for _, manifest := range manifests {
		name := filepath.Base(filepath.Dir(manifest))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wasm := builtin(t, name)
			m := rewrite(t, wasm)
			if !m.Resettable || len(m.GlobalExports) == 0 {
				t.Errorf("resettable %v, globals %v", m.Resettable, m.GlobalExports)
			}
			if again := rewrite(t, wasm); !bytes.Equal(again.Wasm, m.Wasm) {
				t.Error("the same module was rewritten in two ways")
			}
			messages := requests(t, name)
			plain, _ := answers(t, wasm, nil, messages)
			first, spent := answers(t, m.Wasm, m, messages)
			if diff := cmp.Diff(plain, first); diff != "" {
				t.Errorf("answers (-plain +metered):\n%s", diff)
			}
			_, spentAgain := answers(t, m.Wasm, m, messages)
			if diff := cmp.Diff(spent, spentAgain); diff != "" {
				t.Errorf("fuel in two instances:\n%s", diff)
			}
		})
	}
}

// answers derives one after another and returns the answers and the fuel after each, when the
// module is metered.
func answers(t *testing.T, wasm []byte, m *meter.Module, messages [][]byte) (all []string, spent []int64) {
	t.Helper()
	k := &tank{left: math.MaxInt64}
	p, i := start(t, newEngine(t, config(), k), wasm)
	for _, message := range messages {
		all = append(all, string(p.derive(t, message)))
		if m != nil {
			spent = append(spent, k.spent(t, i, m))
		}
	}
	return all, spent
}

// BenchmarkDerive compares derivations in a Go guest: as it is, metered, and with the engine's own
// way to interrupt.
func BenchmarkDerive(b *testing.B) {
	wasm := builtin(b, "deployment")
	metered := rewrite(b, wasm).Wasm
	messages := requests(b, "deployment")
	for _, c := range []struct {
		name   string
		config wazero.RuntimeConfig
		wasm   []byte
	}{
		{"plain", config(), wasm},
		{"metered", config(), metered},
		{"close-on-done", config().WithCloseOnContextDone(true), wasm},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, _ := start(b, newEngine(b, c.config, &tank{left: math.MaxInt64}), c.wasm)
			for b.Loop() {
				for _, message := range messages {
					p.derive(b, message)
				}
			}
		})
	}
}

// BenchmarkOverhead alternates between a guest as it is and metered, and reports by how much the
// fastest rounds differ: a ratio that holds on a busy machine.
func BenchmarkOverhead(b *testing.B) {
	for _, name := range []string{"deployment", "network-policy"} {
		b.Run(name, func(b *testing.B) {
			wasm := builtin(b, name)
			messages := requests(b, name)
			k := &tank{left: math.MaxInt64}
			plain, _ := start(b, newEngine(b, config(), k), wasm)
			metered, _ := start(b, newEngine(b, config(), k), rewrite(b, wasm).Wasm)
			best := [2]time.Duration{math.MaxInt64, math.MaxInt64}
			for b.Loop() {
				for i, p := range []plugin{plain, metered} {
					begin := time.Now()
					for _, message := range messages {
						p.derive(b, message)
					}
					best[i] = min(best[i], time.Since(begin))
				}
			}
			b.ReportMetric(float64(best[1])/float64(best[0]), "metered/plain")
			b.ReportMetric(float64(best[0].Microseconds())/float64(len(messages)), "plain-us")
		})
	}
}

// BenchmarkRewrite and BenchmarkCompile belong together: rewriting should take a small part of what
// compiling takes.
func BenchmarkRewrite(b *testing.B) {
	wasm := builtin(b, "deployment")
	b.SetBytes(int64(len(wasm)))
	for b.Loop() {
		b.ReportMetric(float64(len(rewrite(b, wasm).Wasm))/float64(len(wasm)), "growth")
	}
}

func BenchmarkCompile(b *testing.B) {
	wasm := builtin(b, "deployment")
	for _, c := range []struct {
		name string
		wasm []byte
	}{{"plain", wasm}, {"metered", rewrite(b, wasm).Wasm}} {
		b.Run(c.name, func(b *testing.B) {
			ctx := experimental.WithCompilationWorkers(b.Context(), 2)
			for b.Loop() {
				r := wazero.NewRuntimeWithConfig(ctx, config())
				if _, err := r.CompileModule(ctx, c.wasm); err != nil {
					b.Fatal(err)
				}
				_ = r.Close(ctx)
			}
		})
	}
}
