package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/codecache"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/internal/problem"
)

// The further states of a compiled plugin.
const (
	stateDamaged      = "damaged"
	stateOtherVersion = "other version"
)

func (a *app) cacheListCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the compiled plugins",
		Long: `List reads every compiled plugin and prints one line for each, the one used last first. One that is damaged will be discarded
and compiled again when it is needed; why is on standard error. One of another version was compiled by another lattice-host,
or for another processor, and is left alone.`,
		Example: "  lattice-host cache list\n  lattice-host cache list -o json",
		Args:    noArguments(),
	}
	c.RunE = a.does(func(context.Context, []string) error {
		dir, err := a.neededCacheDir()
		if err != nil {
			return err
		}
		entries, err := codecache.List(dir)
		if err != nil {
			return asCacheError(err)
		}
		return a.emitCompiled(dir, entries)
	})
	return c
}

// compiledPlugin is a compiled plugin as cache list tells it.
type compiledPlugin struct {
	Key    string    `json:"key"`
	Plugin string    `json:"plugin,omitempty"`
	Digest string    `json:"digest,omitempty"`
	Engine string    `json:"engine,omitempty"`
	Bytes  int64     `json:"bytes"`
	Used   time.Time `json:"used"`
	State  string    `json:"state"`
	Error  string    `json:"error,omitempty"`
}

// newCompiledPlugin tells an entry. Engine is what compiles here.
func newCompiledPlugin(e codecache.Listed, engine string) compiledPlugin {
	p := compiledPlugin{
		Key: e.Key.String(), Plugin: e.Plugin, Digest: e.Digest, Engine: e.Engine, Bytes: e.Bytes,
		Used: e.Used.UTC().Truncate(time.Second), State: stateOK,
	}
	switch {
	case e.Err != nil:
		p.State, p.Error = stateDamaged, e.Err.Error()
	case e.Engine != engine:
		p.State = stateOtherVersion
	}
	return p
}

func (a *app) emitCompiled(dir string, entries []codecache.Listed) error {
	plugins := make([]compiledPlugin, len(entries))
	engine := sandbox.Engine()
	for i, e := range entries {
		plugins[i] = newCompiledPlugin(e, engine)
	}
	err := a.emit(map[string]any{"folder": dir, "plugins": plugins}, func(w io.Writer) { writeCompiledTable(w, plugins) })
	if err != nil {
		return err
	}
	for _, p := range plugins {
		if p.Error != "" {
			a.note("%s: %s", p.Key, p.Error)
		}
	}
	return nil
}

func writeCompiledTable(w io.Writer, plugins []compiledPlugin) {
	if len(plugins) == 0 {
		fmt.Fprintln(w, "nothing is compiled")
		return
	}
	rows := [][]string{{"PLUGIN", "DIGEST", "SIZE", "LAST USED", "STATE"}}
	for _, p := range plugins {
		plugin, digest := p.Plugin, problem.ShortDigest(p.Digest)
		if p.State == stateDamaged {
			plugin, digest = "unknown", "unknown"
		}
		rows = append(rows, []string{plugin, digest, mebibytes(p.Bytes), p.Used.Format(time.RFC3339), p.State})
	}
	table(w, rows)
}
