// Package pack makes a plugin ready for its release: it builds the module from source and puts the
// manifest into it.
package pack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/kind"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
	"github.com/latticenet/lattice-host/registry/release"
)

// ManifestFile is the name of the manifest in a plugin's folder. It is YAML, with the fields of
// abi.Manifest.
const ManifestFile = "plugin.yaml"

// ErrBuild marks source that the Go compiler refuses.
var ErrBuild = problem.New(problem.Invalid, "the plugin does not build")

// Options say what to pack.
type Options struct {
	// Dir is the plugin's folder: the manifest, and Go source unless Module is set.
	Dir string
	// Module is a module that another language's compiler made; empty builds the Go source in Dir.
	Module string
	// Out is the file to write; its folder is made.
	Out string
	// Publisher replaces the manifest's publisher: anyone who signs a release publishes it under a
	// name of their own.
	Publisher string
	// Check, when set, decides about the module before it is written. Its error is that of [Build].
	Check func(m *abi.Manifest, wasm []byte) error
}

// Packed is a module ready to be signed.
type Packed struct {
	// Manifest is what the module carries.
	Manifest *abi.Manifest
	// Digest is the SHA-256 of the module.
	Digest string
	// Size is the module's size in bytes.
	Size int
}

// Build builds and writes a module. The same source, compiler and options give the same bytes.
// Source that does not compile is an error that wraps [ErrBuild] and carries the compiler's
// messages.
func Build(ctx context.Context, o Options) (*Packed, error) {
	manifest, err := ReadManifest(filepath.Join(o.Dir, ManifestFile))
	if err != nil {
		return nil, err
	}
	if o.Publisher != "" {
		manifest.Publisher = o.Publisher
		if err := manifest.Check(); err != nil {
			return nil, err
		}
	}
	wasm, err := module(ctx, o)
	if err != nil {
		return nil, err
	}
	if wasm, err = release.AppendManifestSection(wasm, manifest.CanonicalJSON()); err != nil {
		return nil, err
	}
	if len(wasm) > abi.MaxModuleBytes {
		return nil, fmt.Errorf("%s: the module has %d bytes, the limit is %d", o.Dir, len(wasm), abi.MaxModuleBytes)
	}
	if o.Check != nil {
		if err := o.Check(manifest, wasm); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(o.Out), 0o755); err != nil {
		return nil, err
	}
	if info, err := os.Stat(o.Out); err == nil && !info.Mode().IsRegular() {
		// A device would be replaced, not written to.
		return nil, fmt.Errorf("%s: exists and is not a regular file; name another one", o.Out)
	}
	if err := diskfile.Replace(o.Out, wasm, 0o644); err != nil {
		return nil, err
	}
	return &Packed{Manifest: manifest, Digest: release.Digest(wasm), Size: len(wasm)}, nil
}

// ReadManifest reads a manifest written as YAML, strictly.
func ReadManifest(file string) (*abi.Manifest, error) {
	data, err := diskfile.Read(os.OpenFile, file, abi.MaxManifestBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: a plugin's folder needs a manifest of this name: %w", file, err)
	}
	if err != nil {
		return nil, err
	}
	r, documents := yamldoc.Open(file, data, abi.MaxManifestBytes)
	if len(documents) != 1 && len(r.Problems) == 0 {
		r.Fail(yamldoc.Place{}, "", fmt.Sprintf("must hold one manifest, not %d", len(documents)))
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	text, err := r.JSON(documents[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if text, err = withSchemas(filepath.Dir(file), text); err != nil {
		return nil, inFile(file, err)
	}
	manifest, err := release.ParseManifest(text)
	if err != nil {
		return nil, located(r, documents[0], err)
	}
	return manifest, nil
}

// located returns what is wrong with a manifest with the places in its file.
func located(r *yamldoc.Reader, n *yamldoc.Node, err error) error {
	for _, p := range problem.From(err) {
		field, message, ok := strings.Cut(p.Error(), ": ")
		switch {
		case !ok:
			field, message = "", p.Error()
		case strings.HasPrefix(field, "byte "):
			// That is a place in the JSON which the manifest was turned into.
			field = ""
		case strings.Contains(field, " "):
			field, message = "", p.Error()
		}
		if name, rest, ok := strings.Cut(message, " is not a field"); ok && rest != "" {
			if unquoted, err := strconv.Unquote(name); err == nil {
				field, message = unquoted, "is not a known field; remove it"
			}
		}
		r.Fail(n.Locate(field), field, message)
	}
	return r.Err()
}

// maxSchemaFile is the largest file with a schema: YAML with comments may be larger than what it
// says.
const maxSchemaFile = 4 * kind.MaxSchemaBytes

// withSchemas replaces the schemas of kinds that are names of files next to the manifest by what
// the files say.
func withSchemas(dir string, manifest []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	var kinds []map[string]json.RawMessage
	if json.Unmarshal(manifest, &members) != nil || members["kinds"] == nil || json.Unmarshal(members["kinds"], &kinds) != nil {
		// The reader reports what is wrong with it.
		return manifest, nil
	}
	for i, k := range kinds {
		var name string
		if json.Unmarshal(k["schema"], &name) != nil {
			continue
		}
		at := fmt.Sprintf("kinds.%d.schema", i)
		if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
			return nil, fmt.Errorf("%s: %q must be the name of a file next to the manifest", at, name)
		}
		text, err := diskfile.Read(os.OpenFile, filepath.Join(dir, name), maxSchemaFile)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		if k["schema"], err = yaml.YAMLToJSONStrict(text); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", at, name, err)
		}
	}
	var err error
	if members["kinds"], err = json.Marshal(kinds); err != nil {
		return nil, err
	}
	return json.Marshal(members)
}

// inFile puts the file's name before each line of an error.
func inFile(file string, err error) error {
	return fmt.Errorf("%s: %s", file, strings.ReplaceAll(err.Error(), "\n", "\n"+file+": "))
}

func module(ctx context.Context, o Options) ([]byte, error) {
	if o.Module != "" {
		return diskfile.Read(os.OpenFile, o.Module, abi.MaxModuleBytes)
	}
	scratch, err := os.MkdirTemp("", "lattice-build-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	target, err := buildTarget(ctx, o.Dir)
	if err != nil {
		return nil, err
	}
	out := filepath.Join(scratch, "plugin.wasm")
	// Neither paths nor version control of this machine may reach the module: its digest must be
	// the same everywhere.
	_, err = goTool(ctx, o.Dir, "build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-ldflags=-s", "-o", out, target)
	if err != nil {
		return nil, err
	}
	return diskfile.Read(os.OpenFile, out, abi.MaxModuleBytes)
}

// buildTarget returns what to build: the folder when it is a main package, else its main.go, which
// is kept out of the package so that the package can be imported.
func buildTarget(ctx context.Context, dir string) (string, error) {
	name, err := goTool(ctx, dir, "list", "-f", "{{.Name}}", ".")
	if err != nil {
		return "", err
	}
	if name == "main" {
		return ".", nil
	}
	if _, err := os.Stat(filepath.Join(dir, "main.go")); err != nil {
		return "", fmt.Errorf("%s: the package %s is not main and the folder has no main.go: %w", dir, name, ErrBuild)
	}
	return "main.go", nil
}

func goTool(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOWASM=", "GOFLAGS=")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("%s: building a plugin needs the go command: %w", dir, err)
	case err != nil:
		return "", fmt.Errorf("%s: go %s: %w\n%s", dir, args[0], errors.Join(ErrBuild, ctx.Err()), strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}
