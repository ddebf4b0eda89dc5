// Package builtins runs the built-in plugins side by side: as ordinary Go, and as signed modules in
// the sandbox.
package builtins

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/plugins/builtin/deployment"
	"github.com/latticenet/lattice-host/plugins/builtin/egress"
	"github.com/latticenet/lattice-host/plugins/builtin/ingress"
	"github.com/latticenet/lattice-host/plugins/builtin/keda"
	networkpolicy "github.com/latticenet/lattice-host/plugins/builtin/network-policy"
	"github.com/latticenet/lattice-host/plugins/builtin/observability"
	runtimepolicy "github.com/latticenet/lattice-host/plugins/builtin/runtime-policy"
	secretprovider "github.com/latticenet/lattice-host/plugins/builtin/secret-provider"
	"github.com/latticenet/lattice-host/plugins/builtin/secrets"
	"github.com/latticenet/lattice-host/plugins/builtin/volcano"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/registry/pack"
	"github.com/latticenet/lattice-host/registry/release"
)

// code returns the built-in plugins by name. A test compares the names with the folders: what is
// built, vetted and installed is found by walking them.
func code() map[string]*sdk.Plugin {
	return map[string]*sdk.Plugin{
		"deployment":      deployment.Plugin(),
		"egress":          egress.Plugin(),
		"ingress":         ingress.Plugin(),
		"keda":            keda.Plugin(),
		"network-policy":  networkpolicy.Plugin(),
		"observability":   observability.Plugin(),
		"runtime-policy":  runtimepolicy.Plugin(),
		"secret-provider": secretprovider.Plugin(),
		"secrets":         secrets.Plugin(),
		"volcano":         volcano.Plugin(),
	}
}

// Names returns the names of the built-in plugins, which are those of their folders, sorted.
func Names() []string { return slices.Sorted(maps.Keys(code())) }

// Root returns the top folder of the repository, which is above the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(data, []byte("module github.com/latticenet/lattice-host\n")) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("the working directory is not inside the repository")
}

// Folder returns a built-in plugin's folder.
func Folder(root, name string) string { return filepath.Join(root, "plugins", "builtin", name) }

// Set is a set of plugins by name.
type Set map[string]pipeline.Plugin

// Plugin implements pipeline.Plugins.
func (s Set) Plugin(_ context.Context, name string) (pipeline.Plugin, error) {
	if p := s[name]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("no plugin named %s", name)
}

// Native is a plugin that runs as ordinary Go.
type Native struct {
	manifest *abi.Manifest
	code     *sdk.Plugin
}

// NewNative returns the built-in plugins as ordinary Go.
func NewNative(root string) (Set, error) {
	set := Set{}
	for name, plugin := range code() {
		manifest, err := pack.ReadManifest(filepath.Join(Folder(root, name), pack.ManifestFile))
		if err != nil {
			return nil, err
		}
		set[name] = &Native{manifest: manifest, code: plugin}
	}
	return set, nil
}

// Manifest returns the plugin's manifest.
func (n *Native) Manifest() *abi.Manifest { return n.manifest }

// Digest returns a digest that no module has.
func (n *Native) Digest() string { return release.Digest(nil) }

// Derive runs the plugin.
func (n *Native) Derive(_ context.Context, req *abi.Request) (*abi.Response, []string, error) {
	response := new(abi.Response)
	unknown, err := n.serve(abi.OpDerive, req, response)
	return response, unknown, err
}

// Validate runs the plugin's check of its settings.
func (n *Native) Validate(_ context.Context, req *abi.ValidateRequest) (*abi.ValidateResponse, []string, error) {
	response := new(abi.ValidateResponse)
	unknown, err := n.serve(abi.OpValidate, req, response)
	return response, unknown, err
}

func (n *Native) serve(op abi.Op, request abi.Encoder, response abi.Decoder) ([]string, error) {
	answer := n.code.Serve(op, request.AppendCBOR(nil))
	return abi.Decode(answer, abi.EncodingCBOR, abi.MaxResponseBytes, response)
}

// modules builds and signs every built-in plugin once a process, as publisher lattice.
var modules = sync.OnceValues(func() (map[string]*release.Module, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	key, err := release.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	built := map[string]*release.Module{}
	for _, name := range Names() {
		file := filepath.Join(root, "build", "test-plugins", name+".wasm")
		packed, err := pack.Build(context.Background(), pack.Options{Dir: Folder(root, name), Out: file})
		if err != nil {
			return nil, err
		}
		wasm, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		bundle, err := release.Sign(key, wasm)
		if err != nil {
			return nil, err
		}
		m := packed.Manifest
		built[name], err = release.Verify(bundle, wasm, release.Want{
			Publisher: m.Publisher, Name: m.Name, Version: m.Version, Digest: packed.Digest,
			Rule: release.AnyOf(key.Public()),
		})
		if err != nil {
			return nil, err
		}
	}
	return built, nil
})

// Modules returns the built-in plugins as verified modules.
func Modules() (map[string]*release.Module, error) { return modules() }

// NewSandboxed returns the built-in plugins as modules in the sandbox, compiled in the folder
// build/cache/test.
func NewSandboxed(ctx context.Context, root string) (Set, *sandbox.Runtime, error) {
	verified, err := Modules()
	if err != nil {
		return nil, nil, err
	}
	runtime, err := sandbox.New(ctx, sandbox.Config{CacheDir: filepath.Join(root, "build", "cache", "test")})
	if err != nil {
		return nil, nil, err
	}
	set := Set{}
	for name, module := range verified {
		if set[name], err = runtime.Load(ctx, module); err != nil {
			return nil, nil, err
		}
	}
	return set, runtime, nil
}

// Pair runs a plugin both ways and compares the bytes of the answers.
type Pair struct {
	Native  *Native
	Sandbox *sandbox.Plugin
	// Differ is called when the answers are not the same.
	Differ func(plugin, step string, native, sandbox []byte)
}

// NewPairs joins the two sets.
func NewPairs(native, sandboxed Set, differ func(plugin, step string, native, sandbox []byte)) Set {
	pairs := Set{}
	for name := range native {
		pairs[name] = &Pair{native[name].(*Native), sandboxed[name].(*sandbox.Plugin), differ}
	}
	return pairs
}

// NewBoth returns the built-in plugins, each of which is run natively and in the sandbox and
// compared. The caller closes the runtime.
func NewBoth(ctx context.Context, root string, differ func(plugin, step string, native, sandbox []byte)) (Set, *sandbox.Runtime, error) {
	native, err := NewNative(root)
	if err != nil {
		return nil, nil, err
	}
	sandboxed, runtime, err := NewSandboxed(ctx, root)
	if err != nil {
		return nil, nil, err
	}
	return NewPairs(native, sandboxed, differ), runtime, nil
}

// Manifest returns the plugin's manifest.
func (p *Pair) Manifest() *abi.Manifest { return p.Native.Manifest() }

// Digest returns the native plugin's digest, so that a bundle does not depend on the compiler.
func (p *Pair) Digest() string { return p.Native.Digest() }

// Derive runs the plugin both ways.
func (p *Pair) Derive(ctx context.Context, req *abi.Request) (*abi.Response, []string, error) {
	request := req.AppendCBOR(nil)
	native := p.Native.code.Serve(abi.OpDerive, slices.Clone(request))
	boxed, err := p.Sandbox.Call(ctx, req.Step, abi.OpDerive, request)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(native, boxed) {
		p.Differ(p.Native.manifest.Name, req.Step, native, boxed)
	}
	response := new(abi.Response)
	unknown, err := abi.Decode(boxed, abi.EncodingCBOR, abi.MaxResponseBytes, response)
	return response, unknown, err
}

// Validate runs the plugin's check of its settings in the sandbox.
func (p *Pair) Validate(ctx context.Context, req *abi.ValidateRequest) (*abi.ValidateResponse, []string, error) {
	return p.Sandbox.Validate(ctx, req)
}
