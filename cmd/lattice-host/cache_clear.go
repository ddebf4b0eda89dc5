package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/codecache"
	"github.com/latticenet/lattice-host/host/memo"
)

func (a *app) cacheClearCommand() *cobra.Command {
	var age string
	c := &cobra.Command{
		Use:   "clear",
		Short: "Remove compiled plugins and kept answers",
		Long: `Clear removes compiled plugins and what plugins answered, of every version of lattice-host that uses the folder. Other files in
it stay. A lattice-host that is running goes on.`,
		Example: "  lattice-host cache clear\n  lattice-host cache clear --older-than 30d",
		Args:    noArguments(),
	}
	c.Flags().StringVar(&age, "older-than", "", "only what was not used for that `long`, such as 30d or 12h; all without it")
	c.RunE = a.does(func(context.Context, []string) error {
		before, err := a.before(age)
		if err != nil {
			return err
		}
		dir, err := a.neededCacheDir()
		if err != nil {
			return err
		}
		return a.clearCache(dir, before)
	})
	return c
}

// before returns the time that lies so long ago, and zero for no duration.
func (a *app) before(age string) (time.Time, error) {
	if age == "" {
		return time.Time{}, nil
	}
	d, err := parseLifetime(age)
	if err != nil {
		return time.Time{}, fmt.Errorf("--older-than: %w", err)
	}
	return a.now().Add(-d), nil
}

// cleared is what cache clear removed.
type cleared struct {
	Plugins int   `json:"plugins"`
	Answers int   `json:"answers"`
	Bytes   int64 `json:"bytes"`
}

// clearCache removes what was last used before a time, or everything when that is zero.
func (a *app) clearCache(dir string, before time.Time) error {
	plugins, codeBytes, err := codecache.Clear(dir, before)
	if errors.Is(err, codecache.ErrUnsafe) {
		return asCacheError(err)
	}
	answers, answerBytes, memoErr := memo.Clear(memoDir(dir), before)
	c := cleared{plugins, answers, codeBytes + answerBytes}
	emitErr := a.emit(c, func(w io.Writer) {
		fmt.Fprintf(w, "removed %s and %s, %s\n",
			counted(c.Plugins, "compiled plugin"), counted(c.Answers, "kept answer"), mebibytes(c.Bytes))
	})
	return errors.Join(emitErr, asCacheError(err), asCacheError(memoErr))
}
