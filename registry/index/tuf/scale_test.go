package tuf_test

import (
	"context"
	"testing"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
)

func large(t testing.TB, releases, binBits int) *tuftest.Memory {
	t.Helper()
	m, err := tuftest.Large(releases, binBits, start)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// lookUp returns how many bytes a new client downloads for one release.
func lookUp(t testing.TB, m *tuftest.Memory) int {
	t.Helper()
	m.Downloaded = 0
	target, err := m.LookUp(context.Background(), t.TempDir(), start)
	if err != nil {
		t.Fatal(err)
	}
	if want := tuf.ReleaseTarget("acme", "plugin-0", "1.99.0"); target.Name != want {
		t.Fatalf("chose %s, want %s", target.Name, want)
	}
	return m.Downloaded
}

// TestLookUpIsSmall downloads little of a large index: in bins less than a tenth of what the single
// role takes. The benchmark BenchmarkManyReleases does it with ten times as many releases.
func TestLookUpIsSmall(t *testing.T) {
	t.Parallel()
	const releases = 10_000
	inBins := lookUp(t, large(t, releases, author.BinBits(releases)))
	inOne := lookUp(t, large(t, releases, 0))
	if inBins > 150_000 || inBins > inOne/10 {
		t.Errorf("looking one release up downloads %d bytes in bins, %d in one role", inBins, inOne)
	}
}
