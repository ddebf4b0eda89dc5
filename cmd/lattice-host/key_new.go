package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) keyNewCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a key",
		Long:  `New makes an Ed25519 key and writes NAME.key, which only its owner may read, and NAME.pub. It never replaces a file.`,
		Example: `  lattice-host key new acme
  lattice-host key new index --dir ~/keys`,
		Args: arguments(1, 1, "the name of the key"),
	}
	c.Flags().StringVar(&dir, "dir", ".", "folder to write to; it is made when it is missing")
	// The flag was defined just above, the only thing that can be wrong.
	_ = c.MarkFlagDirname("dir")
	c.RunE = a.does(func(_ context.Context, args []string) error {
		key, err := release.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return asInput(err)
		}
		private, public, err := release.WriteKeyPair(dir, args[0], key)
		if errors.Is(err, fs.ErrExist) {
			return inputf("%s: a key of this name is there already; choose another name or folder", args[0])
		}
		if err != nil {
			return asInput(err)
		}
		written := map[string]string{"id": key.ID, "privateFile": private, "publicFile": public}
		return a.emit(written, func(w io.Writer) {
			fmt.Fprintf(w, "%s\n", key.ID)
			table(w, [][]string{{"  private", private}, {"  public", public}})
		})
	})
	return c
}
