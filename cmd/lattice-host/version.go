package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
)

// version is set by the linker: -ldflags "-X main.version=1.2.0".
var version string

func (a *app) versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Version prints the version of the program, of the contract with plugins (the ABI), of Go, and the platform.",
		Example: "  lattice-host version -o json",
		Args:    noArguments(),
	}
	c.RunE = a.does(func(context.Context, []string) error {
		v := map[string]any{
			"version": programVersion(), "abi": abi.Version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
		}
		return a.emit(v, func(w io.Writer) {
			fmt.Fprintf(w, "lattice-host %v, abi %v, %v, %v\n", v["version"], v["abi"], v["go"], v["platform"])
		})
	})
	return c
}

// programVersion returns what the linker set, or what the build recorded.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
