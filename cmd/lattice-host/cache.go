package main

import (
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/codecache"
)

func (a *app) cacheCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "cache",
		Short: "List, clear and fill the folder of compiled plugins",
		Long: `A plugin is compiled once, when it is first needed, and kept in $LATTICE_CACHE, else in lattice-host/wasm in the user's folder
for caches. What plugins answered is kept there too. Everything in it can be made again.`,
		Example: `  lattice-host cache list
  lattice-host cache prewarm
  lattice-host cache clear --older-than 30d`,
	}, a.cacheListCommand(), a.cacheClearCommand(), a.cachePrewarmCommand())
}

// memoDir returns the folder for kept answers. It lies next to the compiled modules.
func memoDir(cacheDir string) string { return filepath.Join(cacheDir, "memo") }

// neededCacheDir returns the folder for compiled plugins, for a command that is about nothing else.
func (a *app) neededCacheDir() (string, error) {
	if dir := a.cacheDir(); dir != "" {
		return dir, nil
	}
	return "", usagef("there is no folder for caches; name one with $LATTICE_CACHE")
}

// asCacheError says that the folder is to blame, which is the user's choice.
func asCacheError(err error) error {
	if errors.Is(err, codecache.ErrUnsafe) {
		return inputf("compilation cache: %w", err)
	}
	return asInput(err)
}
