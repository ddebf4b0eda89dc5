package engine

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/market"
)

// PipelinesFolder is the folder of an installation that holds the operator's own pipelines.
const PipelinesFolder = "pipelines"

// maxConfigBytes is more than package pipeline reads, so that it is the one to complain.
const maxConfigBytes = 8 << 20

// ReadFile reads a file of at most limit bytes that a user named. The error is a problem of the
// file unless the machine is to blame.
func ReadFile(path string, limit int64) (data []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, problem.AsInput(err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if data, err = io.ReadAll(io.LimitReader(f, limit+1)); err != nil {
		return nil, problem.AsInput(err)
	}
	if int64(len(data)) > limit {
		return nil, problem.Errorf(problem.Invalid, "%s: the file is too large: has more than %d bytes", path, limit)
	}
	return data, nil
}

// ReadSettings reads the settings of an installation, and the facts of its platform, which the
// settings may have themselves; those of no file are the defaults.
func ReadSettings(file, platform string) (*pipeline.Settings, error) {
	settings := pipeline.DefaultSettings()
	if file != "" {
		data, err := ReadFile(file, maxConfigBytes)
		if err != nil {
			return nil, err
		}
		if settings, err = pipeline.ParseSettings(file, data); err != nil {
			return nil, err
		}
	}
	if platform == "" {
		return settings, nil
	}
	data, err := ReadFile(platform, maxConfigBytes)
	if err != nil {
		return nil, err
	}
	return settings.WithPlatform(platform, data)
}

// ReadPipelines reads the pipelines of all files.
func ReadPipelines(files []string) ([]*pipeline.Pipeline, error) {
	var all []*pipeline.Pipeline
	var errs []error
	for _, file := range files {
		data, err := ReadFile(file, maxConfigBytes)
		if err == nil {
			var parsed []*pipeline.Pipeline
			parsed, err = pipeline.ParsePipelines(file, data)
			if err == nil && len(parsed) == 0 {
				err = problem.Errorf(problem.Invalid, "%s: holds no pipeline", file)
			}
			all = append(all, parsed...)
		}
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

// InstalledPipelines reads the pipelines of an installation, which may be nil.
func InstalledPipelines(home *market.Home) ([]*pipeline.Pipeline, error) {
	if home == nil {
		return nil, nil
	}
	dir := filepath.Join(home.Dir(), PipelinesFolder)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, problem.AsInput(err)
	}
	var files []string
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".yaml", ".yml", ".json":
			files = append(files, filepath.Join(dir, e.Name()))
		default:
			return nil, problem.Errorf(problem.Invalid, "%s: is not a pipeline; the folder takes files that end in .yaml, .yml or .json",
				filepath.Join(dir, e.Name()))
		}
	}
	return ReadPipelines(files)
}

// Kinds returns the kinds that an installation reads: the program's own, and those of active
// plugins. Home may be nil. The table is good in any case; the error says which plugins would not
// load.
func Kinds(ctx context.Context, home *market.Home) (*resource.Table, error) {
	if home == nil {
		return resource.Builtin(), nil
	}
	brought, err := home.Kinds(ctx)
	table, conflict := resource.Builtin().With(brought...)
	if conflict != nil {
		return resource.Builtin(), errors.Join(err, conflict)
	}
	return table, err
}

// neededPlugins returns the names of the plugins that documents certainly need: those of own
// pipelines and of the built-in ones for the documents' kinds.
func (s *setup) neededPlugins(documents []*resource.Document) ([]string, error) {
	builtin, err := pipeline.Builtin(s.Kinds)
	if err != nil {
		return nil, err
	}
	needed := slices.Clone(s.pipelines)
	for _, b := range builtin {
		replaced := slices.ContainsFunc(s.pipelines, func(p *pipeline.Pipeline) bool { return p.For == b.For })
		used := slices.ContainsFunc(documents, func(d *resource.Document) bool { return d.Ref.GroupKind() == b.For })
		if used && !replaced {
			needed = append(needed, b)
		}
	}
	var names []string
	for _, p := range needed {
		for _, step := range p.Steps {
			if !slices.Contains(names, step.Plugin) {
				names = append(names, step.Plugin)
			}
		}
	}
	return names, nil
}
