package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/index/tuf/author"
)

func (a *app) indexCleanCommand() *cobra.Command {
	var flags publishFlags
	olderThan := "7d"
	c := &cobra.Command{
		Use:   "clean DIR --root FILE",
		Short: "Remove files of an index that nothing leads to any more",
		Long: `Clean removes the metadata and the lists that earlier publications left in the folder of an index. Every publication writes new
files next to the old ones, which a client or a mirror may still be reading; after --older-than none is. Roots, releases and
modules stay, and so does everything that the index as it is now leads to. It takes no key: the index is verified from the root
on, and compared with what was seen of it by those who publish with this root.`,
		Example: `  lattice-host index clean ./index --root ./keys/root.json --dry-run
  lattice-host index clean ./index --root ./keys/root.json --older-than 30d`,
		Args: arguments(1, 1, "the folder of the index"),
	}
	c.Flags().StringVar(&flags.root, "root", "", "`file` with the root that the index is verified from")
	c.Flags().StringVar(&olderThan, "older-than", olderThan, "`age` from which on files are removed, such as 12h or 30d")
	c.Flags().BoolVar(&flags.dryRun, "dry-run", false, "show what would be removed, and remove nothing")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		pinned, err := readPin(flags.root)
		if err != nil {
			return err
		}
		age, err := parseLifetime(olderThan)
		if err != nil {
			return err
		}
		done, err := a.cleanIndex(ctx, args[0], &flags, pinned, age)
		if err != nil {
			return err
		}
		return a.emit(done, done.write)
	})
	return c
}

// cleanedIndex is what index clean tells.
type cleanedIndex struct {
	Index  string   `json:"index"`
	DryRun bool     `json:"dryRun"`
	Files  []string `json:"files"`
}

func (a *app) cleanIndex(ctx context.Context, dir string, flags *publishFlags, pinned []byte, age time.Duration) (*cleanedIndex, error) {
	p := &publishing{app: a, flags: flags, dir: dir}
	if err := p.checkFolder(); err != nil {
		return nil, err
	}
	// An older index would lead to older files, and the newer ones would be removed.
	if err := p.compare(ctx, flags.root, pinned); err != nil {
		return nil, err
	}
	files, err := author.Clean(ctx, dir, pinned, a.now().Add(-age), flags.dryRun)
	if err != nil {
		return nil, unreadIndex(dir, err)
	}
	return &cleanedIndex{Index: dir, DryRun: flags.dryRun, Files: append([]string{}, files...)}, nil
}

func (c *cleanedIndex) write(w io.Writer) {
	if c.DryRun && len(c.Files) > 0 {
		fmt.Fprintln(w, "nothing was removed; without --dry-run these files are:")
	}
	for _, file := range c.Files {
		if c.DryRun {
			fmt.Fprintln(w, "  "+printable(file))
		}
	}
	switch {
	case len(c.Files) == 0:
		fmt.Fprintln(w, "nothing to remove")
	case !c.DryRun:
		fmt.Fprintf(w, "removed %s of %s\n", counted(len(c.Files), "file"), printable(c.Index))
	}
}
