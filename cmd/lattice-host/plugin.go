package main

import (
	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/internal/problem"
)

func (a *app) pluginCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "plugin",
		Short: "Build, sign and inspect plugins",
		Long: `Commands for the authors of plugins. A plugin is a WebAssembly module that carries its manifest, and a signature file
next to it.`,
		Example: `  lattice-host plugin build ./keda -O keda.wasm
  lattice-host plugin sign keda.wasm --key acme.key
  lattice-host plugin inspect keda.wasm`,
	}, a.pluginBuildCommand(), a.pluginSignCommand(), a.pluginInspectCommand(), a.pluginImportCommand())
}

// checkModule refuses a module that no host would load, and a manifest that names what does not
// exist. Nothing of it is compiled or runs.
func checkModule(m *abi.Manifest, wasm []byte) error {
	if err := resource.CheckManifest(m); err != nil {
		return problem.With(problem.Plugin, err)
	}
	_, err := sandbox.Check(m, wasm)
	return err
}

// signatureEnding is appended to the name of a module for the name of its signature file.
const signatureEnding = ".sigstore.json"
