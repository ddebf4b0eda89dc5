package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/release"
)

// auditFlags say which log is read.
type auditFlags struct{ key string }

func (f *auditFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.key, "key", "", "`file` with the public key of the log; default: the key next to the log")
	// The flag was defined just above, the only thing that can be wrong.
	_ = c.MarkFlagFilename("key")
}

func (a *app) auditVerifyCommand() *cobra.Command {
	f := new(auditFlags)
	var noted []string
	c := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Check that the audit log was not changed",
		Long: `Verify reads the audit log of the installation, or FILE, and checks every line: that none was edited, removed, added or moved,
and that the log ends where its signed head says. Exit code 11 and the line say where it does not. The segments of a log that
went on in another file belong to it, and each can be FILE: then those before it are checked, too.

The key next to the log is enough to find changes by someone who does not have it. To find changes by someone who has it, keep
the public key and the position that verify prints in another place, and give them with --key and --noted: a log that was put back to an earlier
state does not have the position any more.`,
		Example: `  lattice-host audit verify
  lattice-host audit verify copy/audit.jsonl --key audit.pub
  lattice-host audit verify --noted 1042:sha256:0f3a…`,
		Args: arguments(0, 1, "FILE"),
	}
	f.register(c)
	c.Flags().StringArrayVar(&noted, "noted", nil, "`position` that the log must still have, NUMBER:DIGEST as verify prints it; repeatable")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		known, err := readPositions(noted)
		if err != nil {
			return err
		}
		file, keys, err := a.auditLog(f, args)
		if err != nil {
			return err
		}
		report, err := audit.Verify(ctx, file, keys, audit.VerifyOptions{Known: known})
		if err != nil {
			return asAudit(file, err)
		}
		return a.emit(report, func(w io.Writer) { writeReport(w, file, report) })
	})
	return c
}

func writeReport(w io.Writer, file string, r *audit.Report) {
	fmt.Fprintf(w, "%s: nothing was changed\n", printable(file))
	rows := [][]string{{"  lines", fmt.Sprintf("%d: %s, %s, %d recovered", r.Seq, counted(int(r.Events), "event"), counted(int(r.Checkpoints), "checkpoint"), r.Recovered)}}
	if r.Seq > 0 {
		rows = append(rows, []string{"  from", r.First.Format(time.RFC3339)}, []string{"  to", r.Last.Format(time.RFC3339)},
			[]string{"  position", positionText(r.Position)})
	}
	if r.PolicyDigest != "" {
		rows = append(rows, []string{"  policies", r.PolicyDigest})
	}
	if r.Pruned.Seq > 0 {
		rows = append(rows, []string{"  pruned", fmt.Sprintf("the lines up to %d were removed on purpose", r.Pruned.Seq)})
	}
	if r.Backwards > 0 {
		rows = append(rows, []string{"  clock", counted(int(r.Backwards), "line") + " with an earlier time than the line before: the clock was set back"})
	}
	for _, s := range r.Segments {
		rows = append(rows, []string{"  segment", s.File, positionText(s.Last)})
	}
	table(w, rows)
}

// positionText writes a position as readPositions reads it.
func positionText(p audit.Position) string { return strconv.FormatInt(p.Seq, 10) + ":" + p.Head }

// readPositions reads positions as verify prints them.
func readPositions(texts []string) ([]audit.Position, error) {
	positions := make([]audit.Position, len(texts))
	for i, text := range texts {
		number, head, ok := strings.Cut(text, ":")
		seq, err := strconv.ParseInt(number, 10, 64)
		if !ok || err != nil || seq < 1 || !strings.HasPrefix(head, "sha256:") {
			return nil, usagef("%q is not a position; write NUMBER:sha256:…, as audit verify prints it", text)
		}
		positions[i] = audit.Position{Seq: seq, Head: head}
	}
	return positions, nil
}

// auditLog returns the log that is to be read, and the keys that it is signed with.
func (a *app) auditLog(f *auditFlags, args []string) (file string, keys []release.PublicKey, err error) {
	if len(args) == 1 {
		file = args[0]
	} else {
		log, err := a.ownAuditLog()
		if err != nil {
			return "", nil, err
		}
		file = log.File()
	}
	switch begun, err := audit.Begun(file); {
	case err != nil:
		return "", nil, err
	case !begun && len(args) == 1:
		return "", nil, problem.OfFile(file, fs.ErrNotExist)
	case !begun:
		return "", nil, inputf("%s: there is no audit log yet; apply, install and other commands that change something begin it", file)
	}
	name := f.key
	if name == "" {
		name = engine.PublicKeyFile(file)
	}
	key, err := release.ReadPublicKey(name)
	if f.key == "" && errors.Is(err, fs.ErrNotExist) {
		return "", nil, inputf("%s: the public key is not next to the log; give it with --key", name)
	}
	return file, []release.PublicKey{key}, asInput(err)
}

// asAudit blames anyone who changed the log.
func asAudit(file string, err error) error {
	if errors.Is(err, audit.ErrTampered) || errors.Is(err, audit.ErrTorn) {
		return err
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return asInput(err)
	}
	return fmt.Errorf("%s: %w", file, err)
}
