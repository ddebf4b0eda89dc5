package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/index"
)

func (a *app) indexInitCommand() *cobra.Command {
	var keyFile, status string
	c := &cobra.Command{
		Use:     "init DIR --key KEYFILE",
		Short:   "Make an empty index",
		Long:    `Init writes an empty index into DIR, signed with the key, which signs every later change as well.`,
		Example: "  lattice-host index init ./index --key index.key",
		Args:    arguments(1, 1, "the folder of the index"),
	}
	c.Flags().StringVar(&keyFile, "key", "", "file with the private key of the index")
	c.Flags().StringVar(&status, "status", index.StatusOfficial,
		"what the index is for: "+index.StatusOfficial+", "+index.StatusDraft+" or "+index.StatusExample)
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		edit, err := a.indexEdit(ctx, keyFile)
		if err != nil {
			return err
		}
		file := filepath.Join(args[0], index.FileName)
		err = index.Create(args[0], status, edit)
		if errors.Is(err, fs.ErrExist) {
			return inputf("%s: is there already; add plugins to it with lattice-host index add", file)
		}
		if err != nil {
			return asInput(err)
		}
		made := map[string]string{"file": file, "keyId": edit.Key.ID, "status": status}
		return a.emit(made, func(w io.Writer) {
			fmt.Fprintf(w, "made %s, signed by %s\n", printable(file), edit.Key.ID)
		})
	})
	return c
}
