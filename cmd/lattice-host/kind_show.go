package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/internal/kind"
)

func (a *app) kindShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show NAME[.FIELD]",
		Short: "Show the fields of a kind",
		Long: `Show prints what a kind, or one field of it, is for, and the fields directly below it: their types, limits and defaults. Fields follow
the name of the kind after dots; lists and maps are stepped through by any key, by an asterisk, or by nothing.`,
		Example: `  lattice-host kind show LatticeService
  lattice-host kind show LatticeService.spec.workload
  lattice-host kind show LatticeService.spec.workload.containers.livenessProbe -o json`,
		Args: arguments(1, 1, "a kind such as LatticeService, or a field of it such as LatticeService.spec.workload"),
	}
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		table, err := a.kinds(ctx)
		if err != nil {
			return err
		}
		name, path, _ := strings.Cut(args[0], ".")
		k, err := kindNamed(table, name)
		if err != nil {
			return err
		}
		field, err := k.Field(path)
		if err != nil {
			return asInput(err)
		}
		return a.showField(k, &field)
	})
	return c
}

// shownField is a field as kind show tells it.
type shownField struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	kind.Field
	// Features and Rules are there for the kind as a whole.
	Features []shownFeature `json:"features,omitempty"`
	Rules    []shownRule    `json:"rules,omitempty"`
}

type shownFeature struct {
	Name  string   `json:"name"`
	Paths []string `json:"paths,omitempty"`
}

type shownRule struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func (a *app) showField(k *kind.Kind, field *kind.Field) error {
	shown := shownField{APIVersion: k.APIVersion(), Kind: k.Kind, Field: *field}
	if field.Path == "" {
		for _, f := range k.Features {
			shown.Features = append(shown.Features, shownFeature{f.Name, f.Paths})
		}
		for _, r := range k.Rules {
			shown.Rules = append(shown.Rules, shownRule{r.Field, r.Message})
		}
	}
	return a.emit(shown, func(w io.Writer) { writeField(w, &shown) })
}

func writeField(w io.Writer, s *shownField) {
	table(w, [][]string{{"KIND:", s.Kind}, {"VERSION:", s.APIVersion}})
	if s.Path != "" {
		fmt.Fprintf(w, "\nFIELD: %s <%s>%s\n", printable(s.Path), printable(s.Type), requiredMark(&s.Field))
	}
	fmt.Fprintln(w, "\nDESCRIPTION:")
	writeProse(w, &s.Field)
	if len(s.Fields) > 0 {
		fmt.Fprintln(w, "\nFIELDS:")
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		name := f.Path[strings.LastIndexByte(f.Path, '.')+1:]
		fmt.Fprintf(w, "  %s <%s>%s\n", printable(name), printable(f.Type), requiredMark(f))
		writeProse(indented{w}, f)
	}
	if len(s.Features) > 0 {
		fmt.Fprintln(w, "\nFEATURES: what a document can use, which the plugins of its pipeline must cover")
	}
	for _, f := range s.Features {
		where := "every document"
		if len(f.Paths) > 0 {
			where = strings.Join(f.Paths, ", ")
		}
		fmt.Fprintf(w, "  %s: %s\n", printable(f.Name), printable(where))
	}
	if len(s.Rules) > 0 {
		fmt.Fprintln(w, "\nRULES:")
	}
	for _, r := range s.Rules {
		fmt.Fprintf(w, "  %s %s\n", printable(r.Field), printable(r.Message))
	}
}

func requiredMark(f *kind.Field) string {
	if f.Required {
		return ", required"
	}
	return ""
}

// writeProse writes what a field is for, and what its values may be.
func writeProse(w io.Writer, f *kind.Field) {
	if f.Description != "" {
		fmt.Fprintf(w, "  %s\n", printable(f.Description))
	}
	if len(f.Enum) > 0 {
		fmt.Fprintf(w, "  One of %s.\n", printable(strings.Join(f.Enum, ", ")))
	}
	if f.Default != nil {
		fmt.Fprintf(w, "  Default %s.\n", printable(string(f.Default)))
	}
	if len(f.Limits) > 0 {
		fmt.Fprintf(w, "  Limits: %s.\n", printable(strings.Join(f.Limits, ", ")))
	}
}

// indented writes lines two columns further in.
type indented struct{ io.Writer }

func (i indented) Write(line []byte) (int, error) {
	if _, err := i.Writer.Write([]byte("  ")); err != nil {
		return 0, err
	}
	return i.Writer.Write(line)
}
