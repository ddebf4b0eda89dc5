package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/audit"
)

func (a *app) auditPruneCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "prune NUMBER",
		Short: "Remove old segments of the audit log",
		Long: `Prune verifies the audit log and removes the segments with the lines up to NUMBER, the last line of a segment as verify lists
them. That it did, and who asked for it, is noted in the log first, and verify does not miss these lines any more. Copy the
segments, each FILE with its FILE.head, to where you keep them before.`,
		Example: "  lattice-host audit prune 1042",
		Args:    arguments(1, 1, "NUMBER"),
		RunE: a.does(func(ctx context.Context, args []string) error {
			number, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || number < 1 {
				return usagef("%q is not the number of a line; audit verify lists the segments with their last lines", args[0])
			}
			return a.pruneAudit(ctx, number)
		}),
	}
}

func (a *app) pruneAudit(ctx context.Context, number int64) (err error) {
	file, keys, err := a.auditLog(new(auditFlags), nil)
	if err != nil {
		return err
	}
	// What is not as it was written is not removed: that would be a way to get rid of the traces.
	if _, err := audit.Verify(ctx, file, keys, audit.VerifyOptions{}); err != nil && !errors.Is(err, audit.ErrTorn) {
		return asAudit(file, err)
	}
	place, err := a.ownAuditLog()
	if err != nil {
		return err
	}
	log, err := place.Open(ctx)
	if err != nil {
		return asAudit(file, err)
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	removed, err := log.Prune(ctx, number, userName())
	if errors.Is(err, audit.ErrNoSegment) {
		return asInput(err)
	}
	if err != nil {
		return err
	}
	return a.emit(map[string]any{"removed": removed}, func(w io.Writer) {
		for _, s := range removed {
			fmt.Fprintf(w, "removed %s, %s\n", printable(s.File), positionText(s.Last))
		}
	})
}
