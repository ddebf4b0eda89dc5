package main

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
	"golang.org/x/sys/unix"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
)

// What a client of an index may take: processor time to verify one whose releases are in a single
// role, and bytes to find one of many releases, in both cases from nothing.
const (
	refreshReleases  = 1000
	refreshProcessor = 100 * time.Millisecond
	lookUpReleases   = 100_000
	lookUpBytes      = 2e6
)

// barUpdater allows for what our client does beyond go-tuf's: it checks names, notes and limits,
// locks its folder and makes what it writes there durable.
const barUpdater = 2

// lookUpBatches is how often an index is verified unless the run is brief.
const lookUpBatches = 25

// measureIndex measures a client without a network: the index is in memory, the client's state on
// disk.
func measureIndex(ctx context.Context, f *fixture) (rows []row, err error) {
	dir, err := os.MkdirTemp("", "lattice-bench-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	batches := lookUpBatches
	if f.effort.brief() {
		batches = f.effort.batches
	}
	now := time.Now()
	small, err := tuftest.Large(refreshReleases, 0, now)
	if err != nil {
		return nil, err
	}
	ours, peer, err := compareProcessorTime(batches, pair{
		ours: func() error { return lookUp(ctx, small, dir, now) }, peer: func() error { return updaterLookUp(small, dir) },
	})
	if err != nil {
		return nil, err
	}
	large, err := tuftest.Large(lookUpReleases, author.BinBits(lookUpReleases), now)
	if err != nil {
		return nil, err
	}
	large.Downloaded = 0
	if err := lookUp(ctx, large, dir, now); err != nil {
		return nil, err
	}
	return []row{
		timeRow("index refresh, 1000 releases, processor time / limit", 1, ours, refreshProcessor),
		timeRow("index refresh, 1000 releases, processor time / go-tuf's updater", barUpdater, ours, peer),
		bytesRow("lookup among 100000 releases, downloaded / limit", 1, float64(large.Downloaded), lookUpBytes),
	}, nil
}

// compareProcessorTime returns the medians of the processor time that both sides take, by turns. A
// state on disk is waited for, which says more about the disk than about either side.
func compareProcessorTime(batches int, p pair) (ours, peer time.Duration, err error) {
	var all [2][]time.Duration
	for range batches {
		for side, run := range []func() error{p.ours, p.peer} {
			before, err := processorTime()
			if err != nil {
				return 0, 0, err
			}
			if err := run(); err != nil {
				return 0, 0, err
			}
			after, err := processorTime()
			if err != nil {
				return 0, 0, err
			}
			all[side] = append(all[side], after-before)
		}
	}
	return median(all[0]), median(all[1]), nil
}

// processorTime returns what this process has used so far.
func processorTime() (time.Duration, error) {
	var usage unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), err
}

// lookUp verifies an index and finds the newest version of a plugin.
func lookUp(ctx context.Context, m *tuftest.Memory, dir string, now time.Time) (err error) {
	state, err := os.MkdirTemp(dir, "ours-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(state)) }()
	_, err = m.LookUp(ctx, state, now)
	return err
}

// updaterLookUp does the same with go-tuf's own client.
func updaterLookUp(m *tuftest.Memory, dir string) (err error) {
	state, err := os.MkdirTemp(dir, "updater-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(state)) }()
	c, err := config.New(memoryURL+"metadata", m.Root())
	if err != nil {
		return err
	}
	c.Fetcher, c.RemoteTargetsURL = fetcher{m}, memoryURL+"targets"
	c.LocalMetadataDir, c.LocalTargetsDir = filepath.Join(state, "metadata"), filepath.Join(state, "targets")
	if err := c.EnsurePathsExist(); err != nil {
		return err
	}
	u, err := updater.New(c)
	if err != nil {
		return err
	}
	if err := u.Refresh(); err != nil {
		return err
	}
	list, err := updaterTarget(u, tuf.VersionsTarget("acme", "plugin-0"))
	if err != nil {
		return err
	}
	versions, err := tuf.ParseVersions(list)
	if err != nil {
		return err
	}
	_, err = updaterTarget(u, tuf.ReleaseTarget("acme", "plugin-0", versions[len(versions)-1].Version))
	return err
}

func updaterTarget(u *updater.Updater, name string) ([]byte, error) {
	file, err := u.GetTargetInfo(name)
	if err != nil {
		return nil, err
	}
	_, data, err := u.DownloadTarget(file, "", "")
	return data, err
}

// memoryURL is where go-tuf believes the index to be.
const memoryURL = "http://index.invalid/"

// fetcher serves an index to go-tuf.
type fetcher struct{ memory *tuftest.Memory }

// DownloadFile serves a file.
func (f fetcher) DownloadFile(address string, limit int64, _ time.Duration) ([]byte, error) {
	data, err := f.memory.Get(path.Clean(strings.TrimPrefix(address, memoryURL)), limit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &metadata.ErrDownloadHTTP{StatusCode: http.StatusNotFound, URL: address}
	}
	return data, err
}
