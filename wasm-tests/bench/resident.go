package main

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strconv"
)

// What a host may take: resident in all with every built-in plugin loaded and pools warm, and for
// one more idle instance.
const (
	residentHost     = 200e6
	residentInstance = 1.5e6
)

// residentMany is how many instances of each plugin there are in the process that tells what one
// takes.
const residentMany = 16

// measureMemory looks at processes of their own: this one holds the peers, too.
func measureMemory(ctx context.Context, f *fixture) ([]row, error) {
	if runtime.GOOS != "linux" {
		// Resident memory is read from procfs.
		return nil, nil
	}
	process := f.build("bench", "resident")
	if err := goBuild(ctx, nil, process, "./cmd/resident"); err != nil {
		return nil, err
	}
	few := runtime.GOMAXPROCS(0)
	var host, one, many float64
	// What processors cost the Go runtime is not what instances cost, so that the two processes
	// that tell it have equally many.
	for _, p := range []struct {
		instances, processors int
		into                  *float64
	}{{few, few, &host}, {1, residentMany, &one}, {residentMany, residentMany, &many}} {
		out, err := command(ctx, nil, process, strconv.Itoa(p.instances), strconv.Itoa(p.processors))
		if err == nil {
			*p.into, err = strconv.ParseFloat(string(bytes.TrimSpace(out)), 64)
		}
		if err != nil {
			return nil, err
		}
	}
	instances := float64((residentMany - 1) * len(f.requests))
	return []row{
		bytesRow(fmt.Sprintf("resident host, all plugins, %d warm instances each / limit", few), 1, host, residentHost),
		bytesRow("one more idle instance / limit", 1, max(many-one, 0)/instances, residentInstance),
	}, nil
}
