package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) indexUntrustCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "untrust ID",
		Short: "Take back the trust in the key of an index",
		Long: `Untrust keeps anything more from being installed from indexes that the key signed. What is installed keeps running, because
its publishers' keys are recorded; remove it if it must not.`,
		Example: "  lattice-host index untrust ed25519-0123456789abcdef",
		Args:    arguments(1, 1, "the id of the key"),
	}
	c.RunE = a.does(func(_ context.Context, args []string) error {
		home, err := a.openHome()
		if err != nil {
			return err
		}
		keys, err := home.IndexKeys()
		if err != nil {
			return err
		}
		ids := make([]string, len(keys))
		for i, k := range keys {
			ids[i] = k.ID
		}
		if !slices.Contains(ids, args[0]) {
			return inputf("%s: is not trusted; the trusted keys are: %s", args[0], orNothing(ids))
		}
		if err := home.UntrustIndexKey(args[0]); err != nil {
			return err
		}
		untrusted := map[string]string{"keyId": args[0], "home": home.Dir()}
		return a.emit(untrusted, func(w io.Writer) {
			fmt.Fprintf(w, "no longer trusted %s in %s\n", args[0], printable(home.Dir()))
		})
	})
	c.ValidArgsFunction = a.completeIndexKeys
	return c
}

// completeIndexKeys offers the ids of the trusted keys to a shell.
func (a *app) completeIndexKeys(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	home, err := a.openHome()
	var keys []release.PublicKey
	if err == nil {
		keys, err = home.IndexKeys()
	}
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
