package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

// barScale allows for a twentieth more than in proportion.
const barScale = 10.5

// The numbers of services: large and small are a factor of ten apart. A brief run takes a fiftieth
// of both.
const (
	scaleSmall  = 1000
	scaleFactor = 10
	scaleBrief  = 50
)

// measureScale compares deriving ten times as many services, all in the sandbox and with no answer
// kept: in time, and in the memory that their bundles take.
func measureScale(ctx context.Context, f *fixture) ([]row, error) {
	small := scaleSmall
	if f.effort.brief() {
		small /= scaleBrief
	}
	settings := pipeline.DefaultSettings()
	// The generated services scale by metrics of their own.
	settings.Platform.Monitoring = abi.Monitoring{Enabled: true}
	engine, err := pipeline.New(ctx, pipeline.Config{Plugins: f.sandboxed, Settings: settings})
	if err != nil {
		return nil, err
	}
	var spent [2][]time.Duration
	var heap [2][]float64
	// By turns, so that what changes with time meets both. Small is short, so that it takes more of
	// them.
	large := small * scaleFactor
	for _, n := range []int{small, small, large, small, small, small, large, small, small} {
		// With the documents of the large run in memory, a small one would end before the garbage
		// collector has to run.
		docs, err := spread(n)
		if err != nil {
			return nil, err
		}
		d, bytes, err := deriveAll(ctx, engine, docs)
		if err != nil {
			return nil, err
		}
		side := 0
		if n == small {
			side = 1
		}
		spent[side], heap[side] = append(spent[side], d), append(heap[side], bytes)
	}
	document, err := heapOfDocument(small)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%d services / %d services", large, small)
	return []row{
		bytesRow("heap of a document / limit", 1, document, documentHeap),
		timeRow(name, barScale, median(spent[0]), median(spent[1])),
		bytesRow(name+", heap of the bundles", 0, median(heap[0]), median(heap[1])),
	}, nil
}

// documentHeap is how many bytes a document may hold, on average.
const documentHeap = 12_000

// heapOfDocument returns how many bytes one of n documents holds after it was read, its file
// included.
func heapOfDocument(n int) (float64, error) {
	before := liveHeap()
	docs, err := spread(n)
	if err != nil {
		return 0, err
	}
	held := liveHeap() - before
	runtime.KeepAlive(docs)
	return held / float64(n), nil
}

// withoutAdvertise removes spec.advertise, which is where a service says that everyone may call it: it
// is shown all others, so that a fleet of such services is quadratic by what it asks for.
func withoutAdvertise(document []byte) ([]byte, error) {
	var doc struct {
		APIVersion string                     `json:"apiVersion"`
		Kind       string                     `json:"kind"`
		Metadata   json.RawMessage            `json:"metadata"`
		Spec       map[string]json.RawMessage `json:"spec"`
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, err
	}
	delete(doc.Spec, "advertise")
	return json.Marshal(&doc)
}

// deriveAll returns how long deriving took, and how much memory the bundles hold.
func deriveAll(ctx context.Context, engine *pipeline.Engine, docs []*resource.Document) (time.Duration, float64, error) {
	before := liveHeap()
	// What an earlier run has left would spare a small one the cost of getting its memory, but not
	// a large one.
	debug.FreeOSMemory()
	start := time.Now()
	bundles, err := engine.DeriveAll(ctx, docs)
	if err != nil {
		return 0, 0, err
	}
	spent := time.Since(start)
	held := liveHeap() - before
	runtime.KeepAlive(bundles)
	runtime.KeepAlive(docs)
	return spent, held, nil
}

// liveHeap returns the bytes that are in use.
func liveHeap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
