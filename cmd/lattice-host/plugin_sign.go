package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) pluginSignCommand() *cobra.Command {
	var keyFile, out string
	var add bool
	c := &cobra.Command{
		Use:   "sign FILE --key KEYFILE",
		Short: "Sign a plugin as its publisher",
		Long: `Sign vouches, with the publisher's key, for the module in FILE and the manifest that it carries. The signature is a Sigstore
bundle with an in-toto statement. The passphrase of the key is $LATTICE_PASSPHRASE, or is asked for.

Where a publisher's releases need the signatures of several people, the first signs, and each of the others adds a signature to the
file with --add: one Sigstore bundle a line. Without --add, the file is replaced.`,
		Example: `  lattice-host plugin sign keda.wasm --key acme.key
  lattice-host plugin sign keda.wasm --key bob.key --add`,
		Args: arguments(1, 1, "the file of a module"),
	}
	c.Flags().StringVar(&keyFile, "key", "", "`file` with the publisher's private key")
	c.Flags().BoolVar(&add, "add", false, "keep the signatures that others made of this module")
	c.Flags().StringVar(&out, "out", "", "`file` to write; FILE"+signatureEnding+" when empty")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		if keyFile == "" {
			return usagef("name the publisher's private key with --key")
		}
		key, err := a.readKey(ctx, keyFile)
		if err != nil {
			return err
		}
		wasm, err := readFile(args[0], abi.MaxModuleBytes)
		if err != nil {
			return err
		}
		if out == "" {
			out = args[0] + signatureEnding
		}
		signature, err := a.sign(key, args[0], wasm, out, add)
		if err != nil {
			return err
		}
		if err := writeFile(out, signature, 0o644); err != nil {
			return asInput(err)
		}
		bundle, err := release.ParseBundle(signature)
		if err != nil {
			return err
		}
		signed := map[string]any{"digest": release.Digest(wasm), "keyId": key.ID, "signers": bundle.KeyIDs(), "file": out}
		return a.emit(signed, func(w io.Writer) {
			fmt.Fprintf(w, "signed %s with %s  %s\n", release.Digest(wasm), key.ID, printable(out))
			if others := len(bundle.KeyIDs()) - 1; others > 0 {
				fmt.Fprintf(w, "it is signed with %s\n", strings.Join(bundle.KeyIDs(), ", "))
			}
		})
	})
	return c
}

// sign returns what to write to the signature file of a module: with the signatures that are in it,
// if these are to be kept.
func (a *app) sign(key release.PrivateKey, file string, wasm []byte, out string, add bool) ([]byte, error) {
	present, readErr := readFile(out, release.MaxBundleBytes)
	if add {
		if readErr != nil {
			return nil, inputf("%w; --add adds to the signatures in this file", readErr)
		}
		signed, err := release.AddSignature(key, wasm, present)
		if err != nil {
			return nil, inputf("%s and %s: %w", file, out, err)
		}
		return signed, nil
	}
	signed, err := release.Sign(key, wasm)
	if err != nil {
		return nil, inputf("%s: %w", file, err)
	}
	if lost := othersOf(key.ID, present, wasm); readErr == nil && len(lost) > 0 {
		a.note("warning: %s had the signature of %s, which is gone; --add keeps it", out, strings.Join(lost, ", "))
	}
	return signed, nil
}

// othersOf returns the keys that signed a module next to one, as its signature file claims.
func othersOf(keyID string, bundle, wasm []byte) []string {
	claims, err := release.ReadClaims(bundle)
	if err != nil || claims.Digest != release.Digest(wasm) {
		return nil
	}
	return slices.DeleteFunc(claims.KeyIDs(), func(id string) bool { return id == keyID })
}
