package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) indexAddCommand() *cobra.Command {
	var keyFile string
	var publisherKeys []string
	c := &cobra.Command{
		Use:   "add DIR FILE... --key KEYFILE [--publisher-key PUBKEYFILE...]",
		Short: "Add signed plugins to an index",
		Long: `Add verifies each module with the signature file beside it (FILE` + signatureEnding + `), copies both into the index, and signs
the index again. A publisher that the index does not have yet is added with the public key that --publisher-key names; the
index vouches for that key, so make sure that it is the publisher's.`,
		Example: "  lattice-host index add ./index deployment.wasm keda.wasm --key index.key --publisher-key acme.pub",
		Args:    arguments(2, -1, "the folder of the index or the file of a module"),
	}
	c.Flags().StringVar(&keyFile, "key", "", "file with the private key of the index")
	c.Flags().StringArrayVar(&publisherKeys, "publisher-key", nil, "file with the public key of a publisher; repeatable")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		edit, err := a.indexEdit(ctx, keyFile)
		if err != nil {
			return err
		}
		keys, err := readPublicKeys(publisherKeys)
		if err != nil {
			return err
		}
		add := indexAddition{dir: args[0], edit: edit, keys: keys}
		releases := make([]signedRelease, len(args)-1)
		for i, file := range args[1:] {
			if releases[i], err = readRelease(file); err != nil {
				return err
			}
		}
		added := []map[string]string{}
		for _, r := range releases {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := add.release(r); err != nil {
				return asInput(err)
			}
			added = append(added, map[string]string{"plugin": r.manifest.Reference(), "digest": release.Digest(r.wasm)})
		}
		return a.emit(map[string]any{"added": added}, func(w io.Writer) {
			for _, p := range added {
				fmt.Fprintf(w, "added %s  %s\n", p["plugin"], p["digest"])
			}
		})
	})
	return c
}

func readPublicKeys(files []string) ([]release.PublicKey, error) {
	keys := make([]release.PublicKey, len(files))
	for i, file := range files {
		var err error
		if keys[i], err = release.ReadPublicKey(file); err != nil {
			return nil, asInput(err)
		}
	}
	return keys, nil
}

// signedRelease is a module with its signature, not verified.
type signedRelease struct {
	manifest     *abi.Manifest
	wasm, bundle []byte
	// keyID is the key that the signature claims.
	keyID string
}

// readRelease reads a module and the signature file beside it.
func readRelease(file string) (r signedRelease, err error) {
	if r.wasm, err = readFile(file, abi.MaxModuleBytes); err != nil {
		return r, err
	}
	section, err := release.ManifestSection(r.wasm)
	if err == nil {
		r.manifest, err = abi.ParseManifest(section)
	}
	if err != nil {
		return r, inputf("%s: %w", file, err)
	}
	if r.bundle, err = readFile(file+signatureEnding, release.MaxBundleBytes); err != nil {
		return r, release.NotTrusted(file, release.Digest(r.wasm),
			fmt.Errorf("%w; sign the module with lattice-host plugin sign", err))
	}
	bundle, err := release.ParseBundle(r.bundle)
	if err != nil {
		return r, release.NotTrusted(file, release.Digest(r.wasm), err)
	}
	r.keyID = bundle.KeyHint
	return r, nil
}

// indexAddition adds releases to one index.
type indexAddition struct {
	dir  string
	edit index.Edit
	keys []release.PublicKey
}

// release adds one release, and its publisher when the index does not have it.
func (add *indexAddition) release(r signedRelease) error {
	if err := add.publisher(r); err != nil {
		return err
	}
	return index.AddRelease(add.dir, r.wasm, r.bundle, add.edit)
}

func (add *indexAddition) publisher(r signedRelease) error {
	x, err := readIndex(add.dir)
	if err != nil {
		return err
	}
	id := r.manifest.Publisher
	i := slices.IndexFunc(add.keys, func(k release.PublicKey) bool { return k.ID == r.keyID })
	switch {
	case i < 0 && x.Publisher(id) != nil:
		return nil
	case i < 0:
		return release.NotTrusted(r.manifest.Reference(), release.Digest(r.wasm), fmt.Errorf(
			"the index has no publisher %s, and none of the keys of --publisher-key has the id %s that signed; name the file with that key", id, r.keyID))
	}
	// A publisher is not declared for a release that is not theirs.
	if _, err := release.Verify(r.bundle, r.wasm, release.Want{
		Publisher: id, Name: r.manifest.Name, Version: r.manifest.Version, Digest: release.Digest(r.wasm), Keys: add.keys[i : i+1],
	}); err != nil {
		return err
	}
	if known := x.Publisher(id); known != nil {
		if key, err := known.Key(); err == nil && key.ID == r.keyID {
			return nil
		}
	}
	return index.AddPublisher(add.dir, id, id, add.keys[i], add.edit)
}
