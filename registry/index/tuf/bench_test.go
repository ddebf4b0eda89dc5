package tuf_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"golang.org/x/sys/unix"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
)

// published returns an index whose role releases lists n releases.
func published(b *testing.B, n int) (*tuftest.Repository, tuf.Config) {
	b.Helper()
	repo := tuftest.New(b, start)
	repo.Delegate(targets, metadata.DelegatedRole{
		Name: "releases", Terminating: true, Paths: []string{"releases/*/*/*"},
	}, tuftest.NewKey(50))
	for i := range n {
		repo.AddTarget("releases", tuf.ReleaseTarget("acme", fmt.Sprintf("p%d", i%100), fmt.Sprintf("1.%d.0", i)), fmt.Appendf(nil, "release %d", i))
	}
	repo.PublishAll()
	return repo, tuf.Config{Root: repo.Get("metadata/1.root.json"), Source: repo, Clock: func() time.Time { return start }}
}

// processorTime reports the milliseconds of processor time that an operation takes, on whatever
// else the machine is busy with. It is called before the loop, and what it returns after it.
func processorTime(b *testing.B) (report func()) {
	b.Helper()
	now := func() time.Duration {
		var usage unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
			b.Fatal(err)
		}
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	before := now()
	return func() {
		b.ReportMetric(float64((now()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
	}
}

// BenchmarkRefresh verifies an index of 1,000 releases from nothing and finds one of them: 100 ms
// of processor time are allowed.
func BenchmarkRefresh(b *testing.B) {
	_, config := published(b, 1000)
	defer processorTime(b)()
	for b.Loop() {
		config.Dir = b.TempDir()
		client, err := tuf.Open(config)
		if err != nil {
			b.Fatal(err)
		}
		v, err := client.Refresh(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := v.Target(context.Background(), tuf.ReleaseTarget("acme", "p1", "1.1.0")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerified verifies the index on disk again and finds a release: what a start without a
// network costs.
func BenchmarkVerified(b *testing.B) {
	_, config := published(b, 1000)
	config.Dir = b.TempDir()
	client, err := tuf.Open(config)
	if err != nil {
		b.Fatal(err)
	}
	v, err := client.Refresh(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := v.Target(context.Background(), tuf.ReleaseTarget("acme", "p1", "1.1.0")); err != nil {
		b.Fatal(err)
	}
	defer processorTime(b)()
	for b.Loop() {
		v, err := client.Verified()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := v.Target(context.Background(), tuf.ReleaseTarget("acme", "p1", "1.1.0")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkManyReleases finds one of 100,000 releases, in bins, from nothing: 2 MB may be
// downloaded.
func BenchmarkManyReleases(b *testing.B) {
	const releases = 100_000
	m := large(b, releases, author.BinBits(releases))
	downloaded := 0
	defer processorTime(b)()
	for b.Loop() {
		downloaded = lookUp(b, m)
	}
	b.ReportMetric(float64(downloaded), "downloaded-B/op")
}
