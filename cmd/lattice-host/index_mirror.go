package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/index/walk"
)

func (a *app) indexMirrorCommand() *cobra.Command {
	m := &indexMirroring{app: a}
	c := &cobra.Command{
		Use:   "mirror LOCATION [PLUGIN...] --root FILE --out ARCHIVE",
		Short: "Copy an index into an archive, for where there is no network",
		Long: `Mirror copies the index at a folder, an address or in a tar file, with its modules, into an uncompressed tar file. Installing from
the archive checks the same signatures and dates as installing from the index itself: who carries it need not be trusted.
PLUGIN is PUBLISHER/NAME or PUBLISHER/NAME@VERSION and leaves the files of all other releases out.

The archive is verified, from the pinned root on, before it gets its name. Equal indexes give equal archives.`,
		Example: `  lattice-host index mirror ./index --root ./keys/root.json --out index.tar
  lattice-host index mirror https://plugins.example.com acme/keda acme/web@1.2.0 --root root.json --out index.tar`,
		Args: arguments(1, -1, "the folder, address or archive of the index"),
	}
	c.Flags().StringVar(&m.root, "root", "", "`file` root.json that you trust")
	c.Flags().StringVar(&m.out, "out", "", "`file` to write the archive to")
	c.Flags().BoolVar(&m.allowExpired, "allow-expired", false, "take an index whose roles have expired")
	c.RunE = a.does(func(ctx context.Context, args []string) error { return m.run(ctx, args[0], args[1:]) })
	return c
}

// indexMirroring is one run of index mirror.
type indexMirroring struct {
	app          *app
	root, out    string
	allowExpired bool
	pinned       []byte
	chosen       walk.Select
}

// mirrored is what index mirror tells.
type mirrored struct {
	Archive  string   `json:"archive"`
	Size     int64    `json:"size"`
	Releases []string `json:"releases"`
}

func (m *indexMirroring) run(ctx context.Context, location string, names []string) (err error) {
	if m.out == "" {
		return usagef("name the archive to write with --out")
	}
	if m.pinned, err = readPin(m.root); err != nil {
		return err
	}
	if m.chosen, err = selection(names); err != nil {
		return err
	}
	if err := checkWritten(m.out); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(m.out), ".lattice-host-*")
	if err != nil {
		return asInput(err)
	}
	defer func() {
		if removeErr := os.Remove(f.Name()); removeErr != nil && !errors.Is(removeErr, os.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
	}()
	if err := errors.Join(m.copy(ctx, location, f), f.Close()); err != nil {
		return err
	}
	return m.publish(ctx, f.Name())
}

// copy copies the index into a file.
func (m *indexMirroring) copy(ctx context.Context, location string, f *os.File) (err error) {
	source, err := openIndex(location)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, source) }()
	if err := walk.Mirror(ctx, source, m.pinned, m.chosen, f); err != nil {
		return unreadIndex(location, err)
	}
	return asInput(errors.Join(f.Chmod(0o644), f.Sync()))
}

// publish verifies the archive and gives it its name.
func (m *indexMirroring) publish(ctx context.Context, file string) error {
	report, err := m.app.verifyIndex(ctx, file, m.pinned, m.chosen)
	if err != nil {
		return err
	}
	if err := report.Err(m.allowExpired); err != nil {
		return err
	}
	if m.chosen != nil && len(report.Releases) == 0 {
		return fmt.Errorf("%w: nothing was written", errNoneChosen)
	}
	info, err := os.Stat(file)
	if err != nil {
		return asInput(err)
	}
	if err := os.Rename(file, m.out); err != nil {
		return asInput(err)
	}
	done := mirrored{Archive: m.out, Size: info.Size(), Releases: []string{}}
	for _, r := range report.Releases {
		done.Releases = append(done.Releases, r.Reference())
	}
	return m.app.emit(done, func(w io.Writer) {
		fmt.Fprintf(w, "copied %s into %s, %s\n", counted(len(done.Releases), "release"), printable(done.Archive), mebibytes(done.Size))
	})
}

// closing closes a source and adds what is wrong with that.
func closing(err error, source io.Closer) error { return errors.Join(err, source.Close()) }
