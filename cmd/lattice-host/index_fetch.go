package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/market"
)

func (a *app) indexFetchCommand() *cobra.Command {
	var from string
	c := &cobra.Command{
		Use:   "fetch [NAME...]",
		Short: "Fetch what is new of the trusted indexes",
		Long: `Fetch refreshes the trusted indexes, or those named, and tells what they say about installed plugins. What is revoked there
does not run from then on. An index in a local folder is read whenever plugins are loaded; of one on a server, only this,
install, update, search and list --outdated ask, so run this from a timer.

With --from, what is new comes from a mirror that was carried here.`,
		Example: "  lattice-host index fetch\n  lattice-host index fetch platform -o json\n  lattice-host index fetch --from idx.tar",
	}
	c.Flags().StringVar(&from, "from", "", "`place` where the index is now: a tar file that index mirror made, a folder or a URL")
	// The flag was defined just above, the only thing that can be wrong.
	_ = c.MarkFlagFilename("from")
	c.RunE = a.does(func(ctx context.Context, names []string) error {
		home, err := a.openHome()
		if err != nil {
			return err
		}
		fetched, err := home.FetchIndexes(ctx, names, from)
		list := make([]fetchedIndex, len(fetched))
		for i, f := range fetched {
			list[i] = newFetchedIndex(f)
		}
		if emitErr := a.emit(map[string]any{"indexes": list}, func(w io.Writer) {
			for _, x := range list {
				x.write(w)
			}
		}); emitErr != nil {
			return emitErr
		}
		return asInput(err)
	})
	c.ValidArgsFunction = a.completeIndexes
	return c
}

// fetchedIndex is what fetch tells about one index.
type fetchedIndex struct {
	Index    string          `json:"index"`
	Location string          `json:"location"`
	Roles    []fetchedRole   `json:"roles"`
	Notices  []market.Notice `json:"notices"`
}

type fetchedRole struct {
	Role    string `json:"role"`
	Version int64  `json:"version"`
	Expires string `json:"expires"`
}

func newFetchedIndex(f market.Fetched) fetchedIndex {
	x := fetchedIndex{Index: f.Name, Location: f.Location, Notices: append([]market.Notice{}, f.Notices...)}
	for _, r := range f.Roles {
		x.Roles = append(x.Roles, fetchedRole{r.Name, r.Version, r.Expires.UTC().Format(time.RFC3339)})
	}
	return x
}

func (x fetchedIndex) write(w io.Writer) {
	fmt.Fprintf(w, "%s  %s\n", x.Index, printable(x.Location))
	var rows [][]string
	for _, r := range x.Roles {
		rows = append(rows, []string{"  " + r.Role, fmt.Sprintf("version %d", r.Version), "expires " + r.Expires})
	}
	table(w, rows)
	for _, n := range x.Notices {
		fmt.Fprintln(w, printable("  "+n.Plugin+" "+n.Text))
	}
}
