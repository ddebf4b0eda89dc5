package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) pluginSignCommand() *cobra.Command {
	var keyFile, out string
	c := &cobra.Command{
		Use:   "sign FILE --key KEYFILE",
		Short: "Sign a plugin as its publisher",
		Long: `Sign vouches, with the publisher's key, for the module in FILE and the manifest that it carries. The signature is a Sigstore
bundle with an in-toto statement. The passphrase of the key is $LATTICE_PASSPHRASE, or is asked for.`,
		Example: "  lattice-host plugin sign keda.wasm --key acme.key",
		Args:    arguments(1, 1, "the file of a module"),
	}
	c.Flags().StringVar(&keyFile, "key", "", "`file` with the publisher's private key")
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
		signature, err := release.Sign(key, wasm)
		if err != nil {
			return inputf("%s: %w", args[0], err)
		}
		if out == "" {
			out = args[0] + signatureEnding
		}
		if err := writeFile(out, signature, 0o644); err != nil {
			return asInput(err)
		}
		signed := map[string]any{"digest": release.Digest(wasm), "keyId": key.ID, "file": out}
		return a.emit(signed, func(w io.Writer) {
			fmt.Fprintf(w, "signed %s with %s  %s\n", release.Digest(wasm), key.ID, printable(out))
		})
	})
	return c
}
