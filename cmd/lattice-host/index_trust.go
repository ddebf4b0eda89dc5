package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) indexTrustCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "trust PUBKEYFILE",
		Short: "Trust the public key of an index",
		Long: `Trust lets plugins be installed from every index that the key signed. It makes the installation when there is none. Who
holds the key decides which publishers are offered, so get it from who runs the index, not from the index.`,
		Example: "  lattice-host index trust index.pub",
		Args:    arguments(1, 1, "the file with the public key"),
	}
	c.RunE = a.does(func(_ context.Context, args []string) error {
		key, err := release.ReadPublicKey(args[0])
		if err != nil {
			return asInput(err)
		}
		home, err := a.openOrCreateHome()
		if err != nil {
			return err
		}
		if err := home.TrustIndexKey(key); err != nil {
			return err
		}
		trusted := map[string]string{"keyId": key.ID, "home": home.Dir()}
		return a.emit(trusted, func(w io.Writer) {
			fmt.Fprintf(w, "trusted %s in %s\n", key.ID, printable(home.Dir()))
		})
	})
	return c
}
