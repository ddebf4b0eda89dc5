package main

import "github.com/spf13/cobra"

func (a *app) keyCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "key",
		Short: "Make keys for publishers and indexes",
		Long: `Commands for Ed25519 keys. A publisher's key signs plugins; an index key signs the list of releases. Keep the private file
to yourself and give the public one away.`,
		Example: "  lattice-host key new acme",
	}, a.keyNewCommand())
}
