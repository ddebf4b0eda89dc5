package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/registry/pack"
)

func (a *app) pluginBuildCommand() *cobra.Command {
	var options pack.Options
	c := &cobra.Command{
		Use:   "build DIR",
		Short: "Build a plugin from its folder",
		Long: `Build compiles the Go source in DIR to WebAssembly, puts the manifest DIR/plugin.yaml into the module, and writes it. A
module that another language's compiler made is taken with --module in place of the source. The same source, compiler and
flags give the same bytes.`,
		Example: `  lattice-host plugin build ./keda
  lattice-host plugin build ./rules --module target/rules.wasm -O rules.wasm --publisher acme`,
		Args: arguments(1, 1, "the folder of a plugin"),
	}
	c.Flags().StringVar(&options.Module, "module", "", "take the module in this `file` instead of building Go source")
	c.Flags().StringVar(&options.Publisher, "publisher", "", "`publisher`, in place of the manifest's")
	c.Flags().StringVarP(&options.Out, "out", "O", "", "`file` to write; NAME.wasm in the working directory when empty")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		options.Dir = args[0]
		if options.Out == "" {
			manifest, err := pack.ReadManifest(filepath.Join(options.Dir, pack.ManifestFile))
			if err != nil {
				return asInput(err)
			}
			options.Out = manifest.Name + ".wasm"
		}
		options.Check = checkModule
		packed, err := pack.Build(ctx, options)
		if errors.Is(err, sandbox.ErrPlugin) {
			return err
		}
		if err != nil {
			return asInput(err)
		}
		built := map[string]any{
			"plugin": packed.Manifest.Reference(), "digest": packed.Digest, "size": packed.Size, "file": options.Out,
		}
		return a.emit(built, func(w io.Writer) {
			fmt.Fprintf(w, "built %s  %s  %d bytes  %s\n", packed.Manifest.Reference(), packed.Digest, packed.Size, printable(options.Out))
		})
	})
	return c
}
