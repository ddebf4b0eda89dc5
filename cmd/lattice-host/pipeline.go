package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/pipeline"
)

// fromProgram is the source of what comes with the program.
const fromProgram = "the program"

func (a *app) pipelineCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "pipeline",
		Short: "List and print the pipelines that derive documents",
		Long: `A pipeline names the steps for one kind of document. Those that come with the program are used unless the folder
` + engine.PipelinesFolder + ` of the installation has one for the kind; --pipeline goes before both.

A pipeline with extends: ` + pipeline.ExtendsBuiltin + ` adds its steps to the built-in one for the kind, and replaces steps of the same name.`,
		Example: "  lattice-host pipeline list\n  lattice-host pipeline show LatticeService",
	}, a.pipelineListCommand(), a.pipelineShowCommand())
}

// listedPipeline is a pipeline as list and show tell it.
type listedPipeline struct {
	Name    string        `json:"name"`
	For     abi.GroupKind `json:"for"`
	Source  string        `json:"source"`
	Extends bool          `json:"extends,omitempty"`
	Steps   []listedStep  `json:"steps"`
}

type listedStep struct {
	Name     string          `json:"name"`
	Plugin   string          `json:"plugin"`
	After    []string        `json:"after,omitempty"`
	Settings json.RawMessage `json:"settings,omitempty"`
}

func (a *app) pipelineListCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the pipelines, with where they are from",
		Long:    "List prints the pipeline that is used for each kind when no --pipeline is given: its steps, and where it is from.",
		Example: "  lattice-host pipeline list\n  lattice-host pipeline list -o json",
		Args:    noArguments(),
	}
	c.RunE = a.does(func(ctx context.Context, _ []string) error {
		list, err := a.pipelines(ctx)
		if err != nil {
			return err
		}
		return a.emit(map[string]any{"pipelines": list}, func(w io.Writer) {
			rows := [][]string{{"NAME", "KIND", "STEPS", "FROM"}}
			for _, p := range list {
				names := make([]string, len(p.Steps))
				for i, s := range p.Steps {
					names[i] = s.Name
				}
				rows = append(rows, []string{p.Name, p.For.String(), strings.Join(names, ", "), p.Source})
			}
			table(w, rows)
		})
	})
	return c
}

func (a *app) pipelineShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show NAME|KIND",
		Short: "Print one pipeline as a document",
		Long: `Show prints the pipeline of a name, or the one for a kind, as a document that --pipeline takes: to read, or to change. Of one
that extends the built-in pipeline all steps are printed.`,
		Example: "  lattice-host pipeline show LatticeService\n  lattice-host pipeline show lattice-service -o json",
		Args:    arguments(1, 1, "the name of a pipeline, or a kind"),
	}
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		list, err := a.pipelines(ctx)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(list, func(p listedPipeline) bool {
			return p.Name == args[0] || p.For.Kind == args[0] || p.For.String() == args[0]
		})
		if at < 0 {
			names := make([]string, len(list))
			for i, p := range list {
				names[i] = p.Name
			}
			return inputf("no pipeline %s; there is %s", args[0], strings.Join(names, ", "))
		}
		text, err := list[at].yaml()
		if err != nil {
			return err
		}
		return a.emit(list[at], func(w io.Writer) { _, _ = w.Write(text) })
	})
	return c
}

// yaml returns the pipeline as a document.
func (p *listedPipeline) yaml() ([]byte, error) {
	return yaml.Marshal(map[string]any{
		"apiVersion": pipeline.APIVersion, "kind": pipeline.KindPipeline,
		"metadata": map[string]any{"name": p.Name},
		"spec":     map[string]any{"for": p.For, "steps": p.Steps},
	})
}

// pipelines returns the pipelines that are used without --pipeline, sorted by name.
func (a *app) pipelines(ctx context.Context) ([]listedPipeline, error) {
	home, err := a.openHome()
	if err != nil && !errors.Is(err, errNoHome) {
		return nil, err
	}
	own, err := engine.InstalledPipelines(home)
	if err != nil {
		return nil, err
	}
	kinds, err := a.kinds(ctx)
	if err != nil {
		return nil, err
	}
	all, err := pipeline.WithBuiltin(own, kinds)
	if err != nil {
		return nil, err
	}
	list := make([]listedPipeline, 0, len(all))
	for _, p := range all {
		l := listedPipeline{Name: p.Name, For: p.For, Source: fromProgram, Extends: p.Extends, Steps: []listedStep{}}
		if k := kinds.Find(p.For); slices.Contains(own, p) || k != nil && k.Plugin != "" {
			l.Source = p.Position.File
		}
		for _, s := range p.Steps {
			settings, err := s.Settings()
			if err != nil {
				return nil, err
			}
			l.Steps = append(l.Steps, listedStep{Name: s.Name, Plugin: s.Plugin, After: s.After, Settings: settings})
		}
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b listedPipeline) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}
