package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/market"
)

// defaultIndex is the name of an index that is trusted without one.
const defaultIndex = "main"

func (a *app) indexTrustCommand() *cobra.Command {
	var name, location string
	c := &cobra.Command{
		Use:   "trust ROOT --location LOCATION [--name NAME]",
		Short: "Trust an index",
		Long: `Trust pins the root of an index: a root.json that lists the keys which may sign it. Anyone who holds these keys decides which
publishers are offered and what is revoked, so get the file from who runs the index, by a way that you trust, and not from
the index. Everything newer is believed only because a chain of signatures leads to it from this file. Nothing is fetched.

LOCATION is an http or https URL, a folder, or a tar file that lattice-host index mirror made. Trusting the same index again
changes its location. The installation is created when it does not exist.`,
		Example: `  lattice-host index trust root.json --location https://plugins.example.com/index
  lattice-host index trust root.json --location ./index --name platform`,
		Args: arguments(1, 1, "the file with the root"),
	}
	c.Flags().StringVar(&name, "name", defaultIndex, "`name` of the index in the installation")
	c.Flags().StringVar(&location, "location", "", "`place` where the index is: a URL, a folder or a tar file")
	c.RunE = a.does(func(_ context.Context, args []string) error {
		if location == "" {
			return usagef("say where the index is with --location")
		}
		root, err := readFile(args[0], market.MaxRootBytes)
		if err != nil {
			return err
		}
		if location, err = absoluteLocation(location); err != nil {
			return err
		}
		home, err := a.openOrCreateHome()
		if err != nil {
			return err
		}
		x, err := home.TrustIndex(name, location, root)
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], asInput(err))
		}
		trusted := map[string]string{"index": x.Name, "location": x.Location, "root": x.Root, "home": home.Dir()}
		return a.emit(trusted, func(w io.Writer) {
			fmt.Fprintf(w, "trusted the index %s in %s\n", x.Name, printable(home.Dir()))
			table(w, [][]string{{"  location", x.Location}, {"  root", x.Root}})
		})
	})
	return c
}

// absoluteLocation makes a location mean the same from any folder.
func absoluteLocation(location string) (string, error) {
	if strings.HasPrefix(location, "https://") || strings.HasPrefix(location, "http://") {
		return location, nil
	}
	if scheme, _, ok := strings.Cut(location, "://"); ok {
		return "", usagef("--location %s: an index cannot be read by %s; it is an https or http URL, a folder or a tar file", location, scheme)
	}
	absolute, err := filepath.Abs(location)
	return absolute, asInput(err)
}
