package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const barPutBack = 1.05

// resetBenchmark is the benchmark of package sandbox that puts instances back, since only that
// package can. These are its sub-benchmarks; each reports resetUnit.
const (
	resetBenchmark = "BenchmarkReset"
	resetOurs      = resetBenchmark + "/chosen"
	resetPeer      = resetBenchmark + "/copy"
	resetUnit      = "reset-ns/op"
)

// resetTurns is how often the benchmark is run when there is time for a median.
const resetTurns = 5

// measurePutBack compares putting an instance back after a call with copying its whole memory.
func measurePutBack(ctx context.Context, f *fixture) ([]row, error) {
	binary := f.build("bench", "sandbox.test")
	if _, err := command(ctx, nil, "go", "test", "-c", "-o", binary, "github.com/latticenet/lattice-host/host/sandbox"); err != nil {
		return nil, err
	}
	benchtime, turns := "5x", 1
	if !f.effort.brief() {
		benchtime, turns = f.effort.time.String(), resetTurns
	}
	results := map[string][]time.Duration{}
	for range turns {
		// The guest is built from the package's folder.
		out, err := commandIn(ctx, filepath.Join(f.root, "host", "sandbox"), binary,
			"-test.run=^$", "-test.bench=^"+resetBenchmark+"$", "-test.benchtime="+benchtime)
		if err != nil {
			return nil, err
		}
		if err := addResets(results, out); err != nil {
			return nil, err
		}
	}
	ours, peer := results[resetOurs], results[resetPeer]
	if len(ours) == 0 || len(peer) == 0 {
		return nil, fmt.Errorf("package sandbox has no %s and %s that report %s", resetOurs, resetPeer, resetUnit)
	}
	return []row{timeRow("putting back an instance / copying its memory", barPutBack, median(ours), median(peer))}, nil
}

// benchmarkLine is a line of go test: the name, without the number of processors after it, and the
// time in [resetUnit].
var benchmarkLine = regexp.MustCompile(`^(Benchmark\S*?)(?:-\d+)?\s.*\s([\d.]+) ` + resetUnit)

// addResets reads what go test prints.
func addResets(into map[string][]time.Duration, out []byte) error {
	for line := range strings.SplitSeq(string(bytes.TrimSpace(out)), "\n") {
		match := benchmarkLine.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		nanos, err := strconv.ParseFloat(match[2], 64)
		if err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
		into[match[1]] = append(into[match[1]], time.Duration(nanos))
	}
	return nil
}
