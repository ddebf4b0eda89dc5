package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) indexCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "index",
		Short: "Make, check and trust indexes of plugins",
		Long: `An index is a folder with a signed list of plugin releases and their files. Who runs one uses init, add and verify; who
installs from one trusts its public key once.`,
		Example: `  lattice-host index init ./index --key index.key
  lattice-host index add ./index keda.wasm --key index.key --publisher-key acme.pub
  lattice-host index trust index.pub`,
	}, a.indexInitCommand(), a.indexAddCommand(), a.indexVerifyCommand(), a.indexTrustCommand(), a.indexUntrustCommand())
}

// indexEdit returns who changes an index and when: at the time of $SOURCE_DATE_EPOCH, when it is set, so that an index
// can be made twice with the same bytes.
func (a *app) indexEdit(ctx context.Context, keyFile string) (index.Edit, error) {
	if keyFile == "" {
		return index.Edit{}, usagef("name the private key of the index with --key")
	}
	at := a.now()
	if epoch := a.getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return index.Edit{}, usagef("$SOURCE_DATE_EPOCH must be a number of seconds, not %q", epoch)
		}
		at = time.Unix(seconds, 0)
	}
	key, err := a.readKey(ctx, keyFile)
	if err != nil {
		return index.Edit{}, err
	}
	return index.Edit{GeneratedAt: at, Key: key}, nil
}

// readIndex reads the index in a folder. One that is there but malformed is not trusted.
func readIndex(dir string) (*index.Index, error) {
	x, err := index.Read(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fileProblem(filepath.Join(dir, index.FileName), err)
	case err != nil:
		return nil, release.NotTrusted(filepath.Join(dir, index.FileName), "", err)
	}
	return x, nil
}
