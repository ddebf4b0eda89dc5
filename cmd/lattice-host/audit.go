package main

import (
	"context"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
)

const (
	// auditFolder is the folder of an installation that holds the audit log and its key.
	auditFolder = "audit"
	// auditRotate names the variable with the size in bytes from which on the log goes on in
	// another file.
	auditRotate = "LATTICE_AUDIT_ROTATE"
	// defaultRotate is that size unless the variable says otherwise: some hundred thousand
	// decisions.
	defaultRotate = 64 << 20
)

func (a *app) auditCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "audit",
		Short: "Read, verify and prune the log of what was decided and done",
		Long: `The audit log notes what gates decided and what was done since: executions, and plugins that came, went or changed. What
approves an execution is on the disk before anything is written. The log is the file audit.jsonl in the folder $LATTICE_AUDIT,
else in the folder audit of the installation, with its key next to it.`,
		Example: `  lattice-host audit verify
  lattice-host audit show --last 5`,
	}, a.auditVerifyCommand(), a.auditShowCommand(), a.auditPruneCommand())
}

// ownAuditLog returns where the audit log is that commands note in.
func (a *app) ownAuditLog() (engine.AuditLog, error) {
	log := engine.AuditLog{Dir: a.getenv("LATTICE_AUDIT"), Clock: a.now}
	if log.Dir == "" {
		dir, err := a.homeDir()
		if err != nil {
			return log, err
		}
		log.Dir = filepath.Join(dir, auditFolder)
	}
	var err error
	log.RotateBytes, err = a.rotateBytes()
	return log, err
}

// rotateBytes returns from which size on the log goes on in another file; 0 is never.
func (a *app) rotateBytes() (int64, error) {
	text := a.getenv(auditRotate)
	if text == "" {
		return defaultRotate, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, usagef("$%s is %.80q; it must be a number of bytes, 0 for one file without a limit", auditRotate, text)
	}
	return n, nil
}

// auditDone notes what was done and cannot be undone.
func (a *app) auditDone(ctx context.Context, events ...audit.Event) error {
	log, err := a.ownAuditLog()
	if err != nil {
		return err
	}
	return log.Done(ctx, events...)
}

// pluginEvent is what the audit log says about a plugin that was installed, removed, enabled or
// disabled.
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
