package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

const (
	// auditFolder is the folder of an installation that holds the audit log and its key.
	auditFolder = "audit"
	// auditFile is the log, auditKey the name of the key that signs it.
	auditFile = "audit.jsonl"
	auditKey  = "audit"
	// auditRotate names the variable with the size in bytes from which on the log goes on in another file.
	auditRotate = "LATTICE_AUDIT_ROTATE"
	// defaultRotate is that size unless the variable says otherwise: some hundred thousand decisions.
	defaultRotate = 64 << 20
)

func (a *app) auditCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "audit",
		Short: "Read, verify and prune the log of what was decided and done",
		Long: `The audit log notes what gates decided and what was done since: executions, and plugins that came, went or changed. What
approves an execution is on the disk before anything is written. The log is the file audit.jsonl in the folder $LATTICE_AUDIT,
else in the folder audit of the installation, with its key beside it.`,
		Example: `  lattice-host audit verify
  lattice-host audit show --last 5`,
	}, a.auditVerifyCommand(), a.auditShowCommand(), a.auditPruneCommand())
}

// auditDir returns the folder of the audit log.
func (a *app) auditDir() (string, error) {
	if dir := a.getenv("LATTICE_AUDIT"); dir != "" {
		return dir, nil
	}
	dir, err := a.homeDir()
	return filepath.Join(dir, auditFolder), err
}

// openAudit opens the audit log, and makes it and its key when there is none.
func (a *app) openAudit(ctx context.Context) (*audit.Log, error) {
	dir, err := a.auditDir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	key, err := readAuditKey(dir)
	if err != nil {
		return nil, err
	}
	rotate, err := a.rotateBytes()
	if err != nil {
		return nil, err
	}
	return audit.Open(ctx, filepath.Join(dir, auditFile), audit.Options{Key: key, Clock: a.now, RotateBytes: rotate})
}

// rotateBytes returns from which size on the log goes on in another file; 0 is never.
func (a *app) rotateBytes() (int64, error) {
	text := a.getenv(auditRotate)
	if text == "" {
		return defaultRotate, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, usagef("$%s is %.80q; it must be a number of bytes, 0 for one file that grows for ever", auditRotate, text)
	}
	return n, nil
}

// readAuditKey reads the key of the log in a folder, and makes one for a new log. It is in the clear: whoever runs the
// program signs with it.
func readAuditKey(dir string) (key release.PrivateKey, err error) {
	file := filepath.Join(dir, auditKey+release.PrivateEnding)
	read := func() (release.PrivateKey, error) {
		return release.ReadPrivateKey(file, func() ([]byte, error) {
			return nil, errors.New("the key of the audit log must not be encrypted")
		})
	}
	if key, err = read(); !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	err = filelock.With(file, func() error {
		// Another process may have made one a moment ago.
		if key, err = read(); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		key, err = newAuditKey(dir)
		return err
	})
	return key, err
}

// newAuditKey makes the key of a new log.
func newAuditKey(dir string) (key release.PrivateKey, err error) {
	log := filepath.Join(dir, auditFile)
	switch begun, err := audit.Begun(log); {
	case err != nil:
		return key, err
	case begun:
		return key, inputf("%s: the key of the audit log is missing, though there is a log; put the key back, "+
			"or move the folder away to begin a new log", filepath.Join(dir, auditKey+release.PrivateEnding))
	}
	if key, err = release.GenerateKey(rand.Reader); err != nil {
		return key, err
	}
	// A process was killed between the two files of a key that nothing was signed with.
	if err := os.Remove(filepath.Join(dir, auditKey+release.PublicEnding)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	_, _, err = release.WriteKeyPair(dir, auditKey, key, nil)
	return key, err
}

// errAudit is an audit log that cannot be written.
func errAudit(err error, but string) error {
	return fmt.Errorf("the audit log cannot be written, %s: %w", but, err)
}

// audit notes events.
func (a *app) audit(ctx context.Context, events ...audit.Event) (err error) {
	log, err := a.openAudit(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	return appendAll(ctx, log, events)
}

// maxAppended is how many events are appended at once. What stands before the last of them is no harm without it.
const maxAppended = 512

// appendAll notes any number of events, and returns when all of them are on the disk.
func appendAll(ctx context.Context, log *audit.Log, events []audit.Event) error {
	for chunk := range slices.Chunk(events, maxAppended) {
		if err := log.Append(ctx, chunk...); err != nil {
			return err
		}
	}
	return nil
}

// auditDone notes what was done and cannot be undone.
func (a *app) auditDone(ctx context.Context, events ...audit.Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := a.audit(context.WithoutCancel(ctx), events...); err != nil {
		return errAudit(err, "though the command did what it was told")
	}
	return nil
}

// decisionEvents returns an event for each decision.
func decisionEvents(decisions []*gate.Decision) []audit.Event {
	events := make([]audit.Event, len(decisions))
	for i, d := range decisions {
		events[i] = audit.Decision(d)
	}
	return events
}

// pluginEvent is what the audit log says about a plugin that was installed, removed, enabled or disabled.
type pluginEvent struct {
	Plugin       string   `json:"plugin"`
	Previous     string   `json:"previous,omitempty"`
	Digest       string   `json:"digest"`
	KeyID        string   `json:"keyId"`
	CoSigners    []string `json:"coSigners,omitempty"`
	Index        string   `json:"index"`
	Capabilities []string `json:"capabilities"`
	User         string   `json:"user"`
	Reason       string   `json:"reason,omitempty"`
}

func newPluginEvent(kind string, p lock.Plugin, previous, reason string) audit.Event {
	return audit.Event{Kind: kind, Data: pluginEvent{
		Plugin: p.Reference(), Previous: previous, Digest: p.Digest, KeyID: p.KeyID, CoSigners: p.CoSigners, Index: p.Index,
		Capabilities: append([]string{}, p.Capabilities.Names...), User: userName(), Reason: reason,
	}}
}

// auditPlugins notes what happened to plugins: plugin.removed, plugin.enabled or plugin.disabled.
func (a *app) auditPlugins(ctx context.Context, kind string, plugins []lock.Plugin, reason string) error {
	events := make([]audit.Event, len(plugins))
	for i, p := range plugins {
		events[i] = newPluginEvent(kind, p, "", reason)
	}
	return a.auditDone(ctx, events...)
}

// auditInstalled notes which plugins were installed or updated.
func (a *app) auditInstalled(ctx context.Context, installed []market.Installed) error {
	var events []audit.Event
	for _, p := range installed {
		if p.Changed {
			events = append(events, newPluginEvent("plugin.installed", p.Plugin, p.Previous, ""))
		}
	}
	return a.auditDone(ctx, events...)
}
