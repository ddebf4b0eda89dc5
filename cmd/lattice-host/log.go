package main

import (
	"context"
	"log/slog"
)

// logger returns what prints the engine's messages on standard error, one a line, above the
// progress.
func (a *app) logger(progress *progress) *slog.Logger { return slog.New(&notes{a, progress}) }

// notes is a [slog.Handler] for people: a message is a sentence, and has no attributes.
type notes struct {
	app      *app
	progress *progress
}

func (n *notes) Enabled(context.Context, slog.Level) bool { return true }
func (n *notes) WithAttrs([]slog.Attr) slog.Handler       { return n }
func (n *notes) WithGroup(string) slog.Handler            { return n }

func (n *notes) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	if r.Level == slog.LevelWarn {
		text = "warning: " + text
	}
	n.progress.above(func() { n.app.note("%s", text) })
	return nil
}
