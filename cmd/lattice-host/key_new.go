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
	var unencrypted bool
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a key",
		Long: `New makes an Ed25519 key and writes NAME.key, which only its owner may read, and NAME.pub. It never replaces a file.

The private key is encrypted with a passphrase, $LATTICE_PASSPHRASE or one that is asked for, in the form that cosign has
for its keys. --unencrypted leaves it in the clear, for a folder that is encrypted itself and for tests.`,
		Example: `  lattice-host key new acme
  lattice-host key new index --dir ~/keys`,
		Args: arguments(1, 1, "the name of the key"),
	}
	c.Flags().StringVar(&dir, "dir", ".", "`folder` to write to; it is made when it is missing")
	addUnencryptedFlag(c, &unencrypted)
	// The flag was defined just above, the only thing that can be wrong.
	_ = c.MarkFlagDirname("dir")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		maker, err := a.newKeyMaker(ctx, unencrypted)
		if err != nil {
			return err
		}
		key, err := release.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		made, err := maker.write(dir, args[0], key)
		if err != nil {
			return err
		}
		return a.emit(made, func(w io.Writer) {
			fmt.Fprintf(w, "%s\n", made.ID)
			table(w, [][]string{{"  private", made.PrivateFile}, {"  public", made.PublicFile}})
		})
	})
	return c
}

func addUnencryptedFlag(c *cobra.Command, unencrypted *bool) {
	c.Flags().BoolVar(unencrypted, "unencrypted", false, "leave new private keys in the clear")
}

// keyMaker writes new keys.
type keyMaker struct{ passphrase []byte }

// newKeyMaker returns what writes new keys, encrypted unless the user wants them in the clear.
func (a *app) newKeyMaker(ctx context.Context, unencrypted bool) (keyMaker, error) {
	if unencrypted {
		return keyMaker{}, nil
	}
	passphrase, err := a.newPassphrase(ctx)
	return keyMaker{passphrase}, err
}

// madeKey is a key that was written.
type madeKey struct {
	ID          string `json:"id"`
	PrivateFile string `json:"privateFile"`
	PublicFile  string `json:"publicFile"`
	Encrypted   bool   `json:"encrypted"`
}

func (m keyMaker) write(dir, name string, key release.PrivateKey) (madeKey, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return madeKey{}, asInput(err)
	}
	private, public, err := release.WriteKeyPair(dir, name, key, m.passphrase)
	if errors.Is(err, fs.ErrExist) {
		return madeKey{}, inputf("%s: a key of this name already exists; choose another name or folder", name)
	}
	if err != nil {
		return madeKey{}, asInput(err)
	}
	return madeKey{ID: key.ID, PrivateFile: private, PublicFile: public, Encrypted: len(m.passphrase) > 0}, nil
}
