package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) indexVerifyCommand() *cobra.Command {
	var keyFiles []string
	c := &cobra.Command{
		Use:   "verify DIR [--key PUBKEYFILE...]",
		Short: "Check the signatures of an index and of everything in it",
		Long: `Verify checks that one of the keys, or without --key one of those that the installation trusts, signed the index, and that
every release in it has the digest that the index says and the signature of its publisher.`,
		Example: "  lattice-host index verify ./index --key index.pub",
		Args:    arguments(1, 1, "the folder of the index"),
	}
	c.Flags().StringArrayVar(&keyFiles, "key", nil, "file with a public key that must have signed the index; repeatable")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		keys, err := a.indexKeys(keyFiles)
		if err != nil {
			return err
		}
		x, err := readIndex(args[0])
		if err != nil {
			return err
		}
		if err := x.Verify(keys, 1); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(args[0], index.FileName), err)
		}
		verified, err := verifyReleases(ctx, args[0], x)
		if err != nil {
			return err
		}
		return a.emit(map[string]any{"verified": verified}, func(w io.Writer) {
			rows := make([][]string, len(verified))
			for i, v := range verified {
				rows[i] = []string{stateOK, v.Plugin, v.Digest}
			}
			table(w, rows)
		})
	})
	return c
}

// indexKeys returns the keys in the files, or those that the installation trusts when there are none.
func (a *app) indexKeys(files []string) ([]release.PublicKey, error) {
	if len(files) > 0 {
		return readPublicKeys(files)
	}
	home, err := a.openHome()
	if err != nil {
		return nil, err
	}
	return home.IndexKeys()
}

// verifiedRelease is one release of an index.
type verifiedRelease struct {
	Plugin string `json:"plugin"`
	Digest string `json:"digest"`
}

// verifyReleases verifies the files of every release that this program could install.
func verifyReleases(ctx context.Context, dir string, x *index.Index) (verified []verifiedRelease, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, asInput(err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	var errs []error
	verified = []verifiedRelease{}
	for _, p := range x.Plugins {
		for _, r := range p.Releases {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if p.Type != index.TypeWasm {
				continue
			}
			reference, err := verifyRelease(root, x, p, r)
			errs = append(errs, err)
			verified = append(verified, verifiedRelease{reference, r.Digest()})
		}
	}
	return verified, errors.Join(errs...)
}

func verifyRelease(root *os.Root, x *index.Index, p index.Plugin, r index.Release) (reference string, err error) {
	want := release.Want{
		Publisher: p.Publisher, Name: strings.TrimPrefix(p.ID, p.Publisher+"."), Version: r.Version, Digest: r.Digest(),
	}
	reference = want.Reference()
	key, err := x.Publisher(p.Publisher).Key()
	if err != nil {
		return reference, release.NotTrusted(reference, want.Digest, err)
	}
	want.Keys = []release.PublicKey{key}
	wasm, err := readInRoot(root, r.ArtifactURL, abi.MaxModuleBytes)
	if err != nil {
		return reference, release.NotTrusted(reference, want.Digest, err)
	}
	bundle, err := readInRoot(root, r.ManifestURL, release.MaxBundleBytes)
	if err != nil {
		return reference, release.NotTrusted(reference, want.Digest, err)
	}
	_, err = release.Verify(bundle, wasm, want)
	return reference, err
}

// readInRoot reads a file of an index. The root keeps links from leading out of it.
func readInRoot(root *os.Root, location string, limit int64) (data []byte, err error) {
	if !index.IsRelative(location) {
		return nil, fmt.Errorf("%s: is not in the folder of the index", location)
	}
	f, err := root.Open(filepath.FromSlash(location))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if data, err = io.ReadAll(io.LimitReader(f, limit+1)); err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: has more than %d bytes", location, limit)
	}
	return data, err
}
