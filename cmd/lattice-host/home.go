package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

// siblingName is the folder next to the program that is an installation. It is as trusted as the
// program itself: who can write to one can write to the other. The working directory is never
// looked at, because its content may come from strangers.
const siblingName = "lattice-home"

// homeDir returns the folder of the installation.
func (a *app) homeDir() (string, error) {
	if a.homeFlag != "" {
		return a.homeFlag, nil
	}
	if dir := a.getenv("LATTICE_HOME"); dir != "" {
		return dir, nil
	}
	if dir := nextToProgram(); dir != "" {
		return dir, nil
	}
	// A relative path is to be ignored (XDG Base Directory Specification, section 3).
	if dir := a.getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "lattice-host"), nil
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", usagef("there is no home directory; name the folder of the installation with --home or $LATTICE_HOME")
	}
	return filepath.Join(user, ".local", "share", "lattice-host"), nil
}

// nextToProgram returns the installation next to the program, or nothing.
func nextToProgram() string {
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return ""
	}
	dir := filepath.Join(filepath.Dir(program), siblingName)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return dir
}

// errNoHome marks a folder that is not an installation.
var errNoHome = errors.New("no installation")

// openHome opens the installation. The error wraps errNoHome when the folder is not an
// installation.
func (a *app) openHome() (*market.Home, error) {
	dir, err := a.homeDir()
	if err != nil {
		return nil, err
	}
	home, err := market.Open(dir, a.now)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, inputf("%s: %w found; make one with lattice-host index trust ROOT --location LOCATION and lattice-host install, or name another folder with --home",
			dir, errNoHome)
	case errors.Is(err, syscall.ENOTDIR):
		return nil, inputf("%s: is not a folder, as an installation is", dir)
	case err != nil:
		return nil, release.NotTrusted(dir, "", err)
	}
	return home, nil
}

// openOrCreateHome opens the installation, and creates one that trusts no one if it does not exist.
func (a *app) openOrCreateHome() (*market.Home, error) {
	home, err := a.openHome()
	if !errors.Is(err, errNoHome) {
		return home, err
	}
	dir, err := a.homeDir()
	if err != nil {
		return nil, err
	}
	home, err = market.Create(dir, a.now)
	return home, asInput(err)
}

// cacheDir returns the folder for compiled plugins; empty keeps them in memory.
func (a *app) cacheDir() string {
	if dir := a.getenv("LATTICE_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "lattice-host", "wasm")
}
