package crds

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/wasm-tests/schemas/internal/yamlstream"
	"sigs.k8s.io/yaml"
)

// download returns the path of each module's archive in the module cache. It runs in a module of
// its own, because a module that is required anywhere in this repository would drag its
// dependencies into a go.sum.
func download(ctx context.Context, pinned []source) (map[string]string, error) {
	dir, err := os.MkdirTemp("", "fetch-crds-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module fetchcrds\n\ngo 1.26.0\n"), 0o644); err != nil {
		return nil, err
	}
	args := []string{"mod", "download", "-json"}
	for _, s := range pinned {
		args = append(args, s.module+"@"+s.version)
	}
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = dir
	command.Env = append(command.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	failed := command.Run()
	if errors.Is(failed, exec.ErrNotFound) {
		return nil, fmt.Errorf("CRDs are downloaded with the go command: %w", failed)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("download CRDs: %w", err)
	}
	// A failed download is reported per module on standard output, and the exit status says only
	// that there was one.
	archives, err := results(&stdout, pinned)
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, fmt.Errorf("go mod download: %w: %s", failed, strings.TrimSpace(stderr.String()))
	}
	return archives, nil
}

func results(stdout io.Reader, pinned []source) (map[string]string, error) {
	archives, answered := map[string]string{}, map[string]bool{}
	var problems []error
	for decoder := json.NewDecoder(stdout); ; {
		var module struct{ Path, Version, Error, Zip, Sum string }
		err := decoder.Decode(&module)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("go mod download: unexpected output: %w", err)
		}
		i := slices.IndexFunc(pinned, func(s source) bool { return s.module == module.Path })
		switch {
		case module.Error != "":
			// The go command begins most of these errors with the module, but not all of them.
			origin := module.Path + "@" + module.Version + ": "
			problems = append(problems, errors.New("download "+origin+strings.TrimPrefix(module.Error, origin)))
		case i < 0:
			problems = append(problems, fmt.Errorf("download %s@%s: it was not requested", module.Path, module.Version))
		case module.Sum != pinned[i].sum:
			problems = append(problems, fmt.Errorf("download %s@%s: the checksum is %s, pinned is %s",
				module.Path, module.Version, module.Sum, pinned[i].sum))
		default:
			archives[module.Path] = module.Zip
		}
		answered[module.Path] = true
	}
	for _, s := range pinned {
		// A go command that fails before it starts answers nothing, and says why on standard error
		// only.
		if len(answered) > 0 && !answered[s.module] {
			problems = append(problems, fmt.Errorf("download %s@%s: no answer", s.module, s.version))
		}
	}
	return archives, errors.Join(problems...)
}

// extract reads the CRDs of a source out of its archive, by name.
func extract(archive string, s source) (map[string][]byte, error) {
	origin := s.module + "@" + s.version
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", origin, err)
	}
	defer reader.Close()
	found := map[string][]byte{}
	for _, f := range s.files {
		data, err := member(&reader.Reader, origin+"/"+f.path)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", origin, f.path, err)
		}
		crds, err := byName(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", origin, f.path, err)
		}
		have, want := slices.Sorted(maps.Keys(crds)), slices.Sorted(slices.Values(f.crds))
		if !slices.Equal(have, want) {
			return nil, fmt.Errorf("%s: %s: holds the CRDs %s; expected %s", origin, f.path, strings.Join(have, ", "), strings.Join(want, ", "))
		}
		maps.Copy(found, crds)
	}
	return found, nil
}

func member(reader *zip.Reader, name string) ([]byte, error) {
	opened, err := reader.Open(name)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return io.ReadAll(opened)
}

// byName keeps the text as it is written, comments included: what a test judges by should be what
// upstream published.
func byName(data []byte) (map[string][]byte, error) {
	crds := map[string][]byte{}
	for number, text := range yamlstream.Split(data) {
		var head struct {
			Kind     string
			Metadata struct{ Name string }
			Spec     struct {
				Group string
				Names struct{ Plural string }
			}
		}
		if err := yaml.Unmarshal(text, &head); err != nil {
			return nil, fmt.Errorf("document %d: %w", number+1, err)
		}
		switch name := head.Spec.Names.Plural + "." + head.Spec.Group; {
		case head.Kind == "" && head.Metadata.Name == "": // comments only
		case head.Kind != "CustomResourceDefinition":
			return nil, fmt.Errorf("document %d: a %s, not a CustomResourceDefinition", number+1, head.Kind)
		case head.Metadata.Name != name:
			return nil, fmt.Errorf("document %d: the CRD is named %q, its kind demands %q", number+1, head.Metadata.Name, name)
		case crds[name] != nil:
			return nil, fmt.Errorf("document %d: %s is a duplicate", number+1, name)
		default:
			crds[name] = text
		}
	}
	return crds, nil
}
