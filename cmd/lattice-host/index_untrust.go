package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func (a *app) indexUntrustCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "untrust NAME",
		Short: "Take back the trust in an index",
		Long: `Untrust forgets an index, its publishers and what was seen of it. It refuses while plugins of the index are installed, since
their revocations would no longer be seen: remove them first.`,
		Example: "  lattice-host index untrust platform",
		Args:    arguments(1, 1, "the name of the index"),
	}
	c.RunE = a.does(func(_ context.Context, args []string) error {
		home, err := a.openHome()
		if err != nil {
			return err
		}
		if err := home.UntrustIndex(args[0]); err != nil {
			return asInput(err)
		}
		untrusted := map[string]string{"index": args[0], "home": home.Dir()}
		return a.emit(untrusted, func(w io.Writer) {
			fmt.Fprintf(w, "no longer trusted %s in %s\n", args[0], printable(home.Dir()))
		})
	})
	c.ValidArgsFunction = a.completeIndexes
	return c
}

func (a *app) indexForgetCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "forget PUBLISHER",
		Short: "Forget which index a publisher belongs to",
		Long: `Forget deletes the record of which index a publisher belongs to and which keys signed what is installed. Its installed plugins
do not run until they are installed again, which records the index that they come from then. Ask the publisher before you do
this: the record is what keeps a second index from replacing plugins that you know.`,
		Example: "  lattice-host index forget acme\n  lattice-host install acme/keda --index platform",
		Args:    arguments(1, 1, "the name of the publisher"),
	}
	c.RunE = a.does(func(_ context.Context, args []string) error {
		home, err := a.openHome()
		if err != nil {
			return err
		}
		if err := home.ForgetPublisher(args[0]); err != nil {
			return asInput(err)
		}
		return a.emit(map[string]string{"publisher": args[0]}, func(w io.Writer) { fmt.Fprintln(w, "forgot", args[0]) })
	})
	return c
}

// completeIndexes offers the names of the trusted indexes to a shell.
func (a *app) completeIndexes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	home, err := a.openHome()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	indexes, err := home.Indexes()
	var names []string
	for _, x := range indexes {
		names = append(names, x.Name)
	}
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
