package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

// The files of a case.
const (
	CaseResource = "resource.yaml"
	CasePeers    = "peers.yaml"
	CaseSettings = "settings.yaml"
	CasePlatform = "platform.yaml"
	CasePipeline = "pipeline.yaml"
)

// maxCaseBytes bounds a case: a few documents of the size that package resource reads.
const maxCaseBytes = 32 << 20

// Case is one derivation that a plugin's author wrote down, in a txtar archive: the document in
// [CaseResource], and optionally the documents that it may refer to, the settings, the facts of the
// platform, and the pipelines in place of the built-in ones. Files whose names begin with "want"
// hold what must come out.
type Case struct {
	// Name is the name of the file without its ending.
	Name  string
	Files []txtar.File
	// Table has the kinds that documents may have: the host's own, and those that the plugin
	// brings. Nil is the former.
	Table *resource.Table
}

// ReadCases returns the cases in a folder, its files *.txtar, sorted by name. It is an error if
// none exist.
func ReadCases(dir string) ([]*Case, error) {
	files, err := filepath.Glob(filepath.Join(escaped(dir), "*.txtar"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: holds no cases, which are files *.txtar", dir)
	}
	var cases []*Case
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() || info.Size() > maxCaseBytes {
			return nil, fmt.Errorf("%s: must be a file of at most %d bytes", file, maxCaseBytes)
		}
		archive, err := txtar.ParseFile(file)
		if err != nil {
			return nil, err
		}
		cases = append(cases, &Case{Name: strings.TrimSuffix(filepath.Base(file), ".txtar"), Files: archive.Files})
	}
	return cases, nil
}

// escaped returns a path that counts for itself in a pattern of package filepath.
func escaped(path string) string {
	return strings.NewReplacer(`[`, `[[]`, `*`, `[*]`, `?`, `[?]`).Replace(path)
}

func (c *Case) file(name string) []byte {
	for _, f := range c.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// Read returns the document of the case and what an engine needs to derive from it, except for the
// plugins.
func (c *Case) Read() (*resource.Document, pipeline.Config, error) {
	config := pipeline.Config{Settings: pipeline.DefaultSettings(), Kinds: c.Table}
	var err error
	if data := c.file(CaseSettings); data != nil {
		if config.Settings, err = pipeline.ParseSettings(CaseSettings, data); err != nil {
			return nil, config, err
		}
	}
	if data := c.file(CasePlatform); data != nil {
		if config.Settings, err = config.Settings.WithPlatform(CasePlatform, data); err != nil {
			return nil, config, err
		}
	}
	options := config.Settings.Documents(c.Table)
	if data := c.file(CasePeers); data != nil {
		if config.Peers, err = resource.Decode(CasePeers, data, options); err != nil {
			return nil, config, err
		}
	}
	if data := c.file(CasePipeline); data != nil {
		if config.Pipelines, err = pipeline.ParsePipelines(CasePipeline, data); err != nil {
			return nil, config, err
		}
	}
	docs, err := resource.Decode(CaseResource, c.file(CaseResource), options)
	if err == nil && len(docs) != 1 {
		err = errors.New(CaseResource + ": must hold one document")
	}
	if err != nil {
		return nil, config, err
	}
	return docs[0], config, nil
}

// Derive derives the document of the case.
func (c *Case) Derive(ctx context.Context, plugins pipeline.Plugins) (*bundle.Bundle, error) {
	doc, config, err := c.Read()
	if err != nil {
		return nil, err
	}
	config.Plugins = plugins
	engine, err := pipeline.New(ctx, config)
	if err != nil {
		return nil, err
	}
	return engine.Derive(ctx, doc)
}

// Kinds returns the kinds that the case's own and the built-in pipelines derive from.
func (c *Case) Kinds() ([]abi.GroupKind, error) {
	_, config, err := c.Read()
	if err != nil {
		return nil, err
	}
	builtin, err := pipeline.Builtin(c.Table)
	if err != nil {
		return nil, err
	}
	var kinds []abi.GroupKind
	for _, p := range slices.Concat(config.Pipelines, builtin) {
		kinds = append(kinds, p.For)
	}
	return kinds, nil
}
