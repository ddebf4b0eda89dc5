package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/kind"
)

func (a *app) kindCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "kind",
		Short: "Show the kinds of document, their fields, and definitions of them for a cluster",
		Long: `A kind is what a document may say: its fields with their types, limits and defaults, and rules across them. Some kinds are the
program's own; plugins bring further ones, which are there once the plugin is installed.`,
		Example: `  lattice-host kind list
  lattice-host kind show LatticeService.spec.workload
  lattice-host kind crd`,
	},
		a.kindListCommand(), a.kindShowCommand(), a.kindCRDCommand())
}

// kinds returns the kinds that the installation reads: the program's own, and those of active
// plugins. Where there is no installation these are the former. The table is good in any case; the
// error says which plugins would not load.
func (a *app) kinds(ctx context.Context) (*resource.Table, error) {
	home, err := a.openHome()
	if err != nil && !errors.Is(err, errNoHome) {
		return resource.Builtin(), err
	}
	return engine.Kinds(ctx, home)
}

// kindNamed returns the kind that a name means.
func kindNamed(table *resource.Table, name string) (*kind.Kind, error) {
	found := table.Named(name)
	if len(found) == 1 {
		return found[0], nil
	}
	var names []string
	if len(found) > 1 {
		for _, k := range found {
			names = append(names, k.String())
		}
		return nil, inputf("several kinds have the name %s; write one of %s", name, strings.Join(names, ", "))
	}
	for _, k := range table.Kinds() {
		names = append(names, k.Kind)
	}
	return nil, inputf("there is no kind %s; there is %s", name, strings.Join(names, ", "))
}

func (a *app) kindListCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the kinds of document that this installation reads",
		Long: `List prints one line for each kind: its name, version and scope, the plugin that brings it, and what it is for. The program's own
kinds come from no plugin.`,
		Example: "  lattice-host kind list\n  lattice-host kind list -o json",
		Args:    noArguments(),
	}
	c.RunE = a.does(func(ctx context.Context, _ []string) error {
		table, err := a.kinds(ctx)
		if err != nil {
			return err
		}
		return a.listKinds(table)
	})
	return c
}

func (a *app) kindCRDCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "crd [NAME…]",
		Short: "Print CustomResourceDefinitions of kinds",
		Long: `Crd prints a CustomResourceDefinition (apiextensions.k8s.io/v1) for each kind, or for those that are named: the schema of what users
write, columns for lists, and the status as a subresource. With -o json it prints one List.`,
		Example: "  lattice-host kind crd\n  lattice-host kind crd LatticeService -o json",
	}
	c.RunE = a.does(func(ctx context.Context, names []string) error {
		table, err := a.kinds(ctx)
		if err != nil {
			return err
		}
		kinds := table.Kinds()
		if len(names) > 0 {
			kinds = nil
		}
		var errs []error
		for _, name := range names {
			k, err := kindNamed(table, name)
			kinds, errs = append(kinds, k), append(errs, err)
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		return a.printCRDs(kinds)
	})
	return c
}
