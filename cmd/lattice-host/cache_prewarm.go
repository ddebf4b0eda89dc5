package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/registry/market"
)

// The further states of a plugin that was to be compiled.
const (
	stateCompiled = "compiled"
	stateFailed   = "failed"
)

func (a *app) cachePrewarmCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "prewarm [NAME...]",
		Short: "Compile installed plugins before they are needed",
		Long: `Prewarm verifies every installed plugin, or those named, and compiles what is not compiled yet, so that the first derivation
does not wait. Any number of them may run at once: each plugin is compiled by one.`,
		Example: "  lattice-host cache prewarm\n  lattice-host cache prewarm acme/deployment",
	}
	c.RunE = a.does(a.prewarmCache)
	return c
}

// prewarmed is a plugin as cache prewarm tells it.
type prewarmed struct {
	Plugin string `json:"plugin"`
	Digest string `json:"digest"`
	// State is ok for one that was compiled before.
	State string `json:"state"`
	Error string `json:"error,omitempty"`

	err error
}

func (a *app) prewarmCache(ctx context.Context, names []string) (err error) {
	if _, err := a.neededCacheDir(); err != nil {
		return err
	}
	home, err := a.openHome()
	if err != nil {
		return err
	}
	s, err := home.Snapshot(ctx, market.Policy{})
	if err != nil {
		return err
	}
	entries, err := s.List(ctx)
	if err != nil {
		return err
	}
	entries, errs := chosenEntries(entries, names)
	progress := newProgress(a.stderr)
	progress.total = len(entries)
	sandboxed, err := a.newRuntime(ctx, progress, false)
	if err != nil {
		return err
	}
	w := &prewarming{s, sandboxed, progress}
	results := w.all(ctx, entries)
	errs = append(errs, sandboxed.Close(context.WithoutCancel(ctx)))
	progress.end()
	nothing := len(names) == 0 && len(results) == 0
	if err := a.emit(map[string]any{"plugins": results}, func(w io.Writer) { writePrewarmed(w, results, nothing) }); err != nil {
		return err
	}
	for _, r := range results {
		errs = append(errs, r.err)
	}
	return errors.Join(errs...)
}

// prewarming compiles installed plugins.
type prewarming struct {
	plugins  *market.Snapshot
	sandbox  *sandbox.Runtime
	progress *progress
}

// all compiles plugins side by side. The sandbox decides how many at once; as many as there are
// cores are made ready.
func (w *prewarming) all(ctx context.Context, entries []market.Entry) []prewarmed {
	results := make([]prewarmed, len(entries))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i, e := range entries {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results[i] = w.one(ctx, e)
		})
	}
	all.Wait()
	return results
}

func (w *prewarming) one(ctx context.Context, e market.Entry) prewarmed {
	p := prewarmed{Plugin: e.Path() + "@" + e.Version, Digest: e.Digest, State: stateCompiled}
	compiled, err := w.compile(ctx, e)
	if err != nil {
		p.State, p.Error, p.err = stateFailed, err.Error(), err
	} else if !compiled {
		p.State = stateOK
	}
	if p.State != stateCompiled {
		w.progress.notCompiling()
	}
	return p
}

func (w *prewarming) compile(ctx context.Context, e market.Entry) (compiled bool, err error) {
	if e.Err != nil {
		return false, e.Err
	}
	loaded, err := w.plugins.Verify(ctx, e.Plugin)
	if err != nil {
		return false, err
	}
	return w.sandbox.Prewarm(ctx, loaded.Module)
}

func writePrewarmed(w io.Writer, plugins []prewarmed, nothing bool) {
	if nothing {
		fmt.Fprintln(w, "nothing is installed")
		return
	}
	var rows [][]string
	for _, p := range plugins {
		if p.err == nil {
			rows = append(rows, []string{p.State, p.Plugin, p.Digest})
		}
	}
	table(w, rows)
}
