package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/problem"
)

// maxShownBytes is how much of an event, or of an error in one, is for people to read.
const maxShownBytes = 2000

func (a *app) auditShowCommand() *cobra.Command {
	f := new(auditFlags)
	last := 20
	c := &cobra.Command{
		Use:   "show [FILE]",
		Short: "Print what the audit log says",
		Long: `Show verifies the audit log as verify does and prints its last lines, one event a line. With -o json they are complete.
When verification fails, the lines before the first wrong one are printed, and the exit code is 11.`,
		Example: `  lattice-host audit show
  lattice-host audit show --last 1000 -o json`,
		Args: arguments(0, 1, "FILE"),
	}
	f.register(c)
	c.Flags().IntVar(&last, "last", last, "how many `lines`")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		if last < 1 {
			return usagef("--last must be at least 1")
		}
		file, keys, err := a.auditLog(f, args)
		if err != nil {
			return err
		}
		entries := []*audit.Entry{}
		_, verifyErr := audit.Verify(ctx, file, keys, audit.VerifyOptions{Visit: func(e *audit.Entry) error {
			if entries = append(entries, e); len(entries) > 2*last {
				entries = append(entries[:0], entries[len(entries)-last:]...)
			}
			return nil
		}})
		entries = entries[max(0, len(entries)-last):]
		if err := a.emit(map[string]any{"entries": entries}, func(w io.Writer) { writeEntries(w, entries) }); err != nil {
			return err
		}
		if verifyErr != nil {
			return asAudit(file, verifyErr)
		}
		return nil
	})
	return c
}

func writeEntries(w io.Writer, entries []*audit.Entry) {
	rows := make([][]string, len(entries))
	for i, e := range entries {
		rows[i] = []string{strconv.FormatInt(e.Seq, 10), e.Time.Format(time.RFC3339), e.Kind, summary(e)}
	}
	table(w, rows)
}

// summary says on one line what an event is about.
func summary(e *audit.Entry) string {
	switch e.Kind {
	case audit.KindCheckpoint:
		return "signed"
	case audit.KindDecision:
		var d gate.Decision
		if err := json.Unmarshal(e.Data, &d); err == nil {
			return decisionSummary(&d)
		}
	}
	return problem.Truncate(string(e.Data), maxShownBytes)
}

func decisionSummary(d *gate.Decision) string {
	text := fmt.Sprintf("%s %s: %s", d.Verdict, d.Point, d.Subject)
	if d.Allowed() || len(d.Reasons) == 0 {
		return text
	}
	if text += ": " + d.Reasons[0].Message; len(d.Reasons) > 1 {
		text += fmt.Sprintf(" (and %s)", counted(len(d.Reasons)-1, "more reason"))
	}
	return text
}
