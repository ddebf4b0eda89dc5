package tuf_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"golang.org/x/sys/unix"

	"github.com/latticenet/lattice-host/registry/index/tuf"
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

// processorTime reports the milliseconds of processor time that an operation takes, on whatever else the machine is busy
// with. It is called before the loop, and what it returns after it.
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

// BenchmarkRefresh verifies an index of 1,000 releases from nothing and finds one of them: 100 ms of processor
// time are allowed.
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

// BenchmarkVerified verifies the index on disk again and finds a release: what a start without a network costs.
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

// counting counts the bytes that come from a source.
type counting struct {
	tuf.Source
	bytes *int
}

func (c counting) Metadata(ctx context.Context, file string, limit int64) ([]byte, error) {
	data, err := c.Source.Metadata(ctx, file, limit)
	*c.bytes += len(data)
	return data, err
}

func (c counting) Target(ctx context.Context, path string, limit int64) ([]byte, error) {
	data, err := c.Source.Target(ctx, path, limit)
	*c.bytes += len(data)
	return data, err
}

// BenchmarkManyReleases finds one of 100,000 releases, which are spread over 256 roles, from nothing: 2 MB may be downloaded.
func BenchmarkManyReleases(b *testing.B) {
	repo := tuftest.New(b, start)
	repo.DelegateBins("releases", 8, tuftest.NewKey(50))
	for i := range 100_000 {
		name := tuf.ReleaseTarget("acme", fmt.Sprintf("p%d", i%1000), fmt.Sprintf("1.%d.0", i))
		repo.AddTarget(repo.Bin(name), name, []byte("release"))
	}
	repo.PublishAll()
	downloaded := 0
	config := tuf.Config{
		Root: repo.Get("metadata/1.root.json"), Source: counting{repo, &downloaded}, Clock: func() time.Time { return start },
	}
	defer processorTime(b)()
	for b.Loop() {
		downloaded = 0
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
	b.ReportMetric(float64(downloaded), "downloaded-B/op")
}
