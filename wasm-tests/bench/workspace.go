package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// barChange is what one change may cost more among a hundred times as many documents.
const barChange = 1.2

// The numbers of documents that one is changed among.
const (
	changeMany = 10_000
	changeFew  = 100
)

// perNamespace is how many of them are in one namespace: what a namespace shares, such as its
// gateway, is made of all documents in it.
const perNamespace = 100

// spread returns generated documents in namespaces of their own.
func spread(n int) ([]*resource.Document, error) {
	docs := make([]*resource.Document, 0, n)
	for seed := range n {
		text, err := withoutAdvertise(builtins.Generate(uint64(seed % perNamespace)))
		if err != nil {
			return nil, err
		}
		text = bytes.ReplaceAll(text, []byte(`"namespace":"generated"`), fmt.Appendf(nil, `"namespace":"generated-%d"`, seed/perNamespace))
		decoded, err := resource.Decode("generated.json", text, resource.Options{})
		if err != nil {
			return nil, err
		}
		docs = append(docs, decoded...)
	}
	return docs, nil
}

// measureChange compares putting one document into a workspace of many, deriving and judging it,
// with the same among few: in processor time.
func measureChange(ctx context.Context, f *fixture) ([]row, error) {
	many := changeMany
	if f.effort.brief() {
		many /= scaleBrief
	}
	settings := pipeline.DefaultSettings()
	// The generated services scale by metrics of their own.
	settings.Platform.Monitoring = abi.Monitoring{Enabled: true}
	e, err := engine.Open(engine.Config{Plugins: f.sandboxed, Settings: settings, Caller: "bench"})
	if err != nil {
		return nil, err
	}
	var spent [2]time.Duration
	var spaces [2]*engine.Workspace
	documents, err := spread(many)
	if err != nil {
		return nil, err
	}
	for i, n := range []int{many, changeFew} {
		if spaces[i], err = e.Workspace(ctx, documents[:min(n, many)]); err != nil {
			return nil, err
		}
		defer spaces[i].Close()
	}
	// By turns, so that what changes with time meets both; the same documents, so that both do the
	// same.
	for round := range 20 {
		for side, w := range spaces {
			d, err := change(ctx, w, documents[:20])
			if err != nil {
				return nil, err
			}
			if round == 0 || d < spent[side] {
				spent[side] = d
			}
		}
	}
	return []row{timeRow("one change among 10000 documents / among 100", barChange, spent[0], spent[1])}, nil
}

// change puts, derives and judges documents of a workspace, and returns the processor time.
func change(ctx context.Context, w *engine.Workspace, documents []*resource.Document) (time.Duration, error) {
	before, err := processorTime()
	if err != nil {
		return 0, err
	}
	for _, d := range documents {
		if err := w.Put(d); err != nil {
			return 0, err
		}
		if _, err := w.Derive(ctx, d.Ref); err != nil {
			return 0, err
		}
	}
	after, err := processorTime()
	return after - before, err
}
