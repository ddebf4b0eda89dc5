// Command fetch-crds fills a folder with the pinned CRDs that emitted objects are validated
// against.
//
//	fetch-crds [-out DIR]
//
// Without -out the folder is build/crds of the repository around the working directory, where the
// tests look. They fetch by themselves; this command is for filling the folder ahead of time, and
// for looking at the CRDs.
//
// Exit codes: 0 the folder is complete, 1 it is not, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/latticenet/lattice-host/wasm-tests/schemas/crds"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("fetch-crds", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("out", "", "folder to fill (default build/crds of the repository)")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "fetch-crds: unexpected argument %q\n", flags.Arg(0))
		return 2
	}
	if *dir == "" {
		shared, err := crds.Dir()
		if err != nil {
			fmt.Fprintf(stderr, "fetch-crds: %v; use -out\n", err)
			return 2
		}
		*dir = shared
	}
	if err := crds.Fetch(ctx, *dir); err != nil {
		fmt.Fprintf(stderr, "fetch-crds: %v\n", err)
		return 1
	}
	fmt.Fprintln(stdout, *dir)
	return 0
}
