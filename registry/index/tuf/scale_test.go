package tuf_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/release"
)

// written is an index in memory as its author writes it. It counts the bytes that it is asked for.
type written struct {
	files map[string][]byte
	bytes int
}

func (w *written) Metadata(_ context.Context, file string, limit int64) ([]byte, error) {
	return w.get("metadata/"+file, limit)
}

func (w *written) Target(_ context.Context, path string, limit int64) ([]byte, error) {
	return w.get("targets/"+path, limit)
}

func (w *written) Close() error { return nil }

func (w *written) get(path string, limit int64) ([]byte, error) {
	data, ok := w.files[path]
	switch {
	case !ok:
		return nil, fs.ErrNotExist
	case int64(len(data)) > limit:
		return nil, tuf.ErrTooLarge
	}
	w.bytes += len(data)
	return bytes.Clone(data), nil
}

// writeIndex returns an index of so many releases, a hundred of each plugin. The bundle of each is as large as a real one.
func writeIndex(t testing.TB, releases, binBits int) (*written, tuf.Config) {
	t.Helper()
	key := registrytest.Key(t, 1)
	signers := map[string]author.Signers{}
	for _, role := range author.Roles() {
		signers[role] = author.Signers{Keys: []release.PublicKey{key.Public()}, Threshold: 1}
	}
	d, err := author.New(signers, author.Options{BinBits: binBits})
	if err != nil {
		t.Fatal(err)
	}
	bundle := []byte(strings.Repeat("x", 2000))
	for i := range releases {
		err := d.AddRelease(author.Release{
			Publisher: "acme", Name: fmt.Sprintf("plugin-%d", i/100), Version: fmt.Sprintf("1.%d.0", i%100), ABI: 1, Size: 1 << 20,
			Summary: "derives what this plugin derives, in about as many words", Digest: release.Digest(fmt.Append(nil, i)),
			Capabilities: []string{"http.get", "kv"}, Bundle: bundle,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	change, err := d.Publish(start, author.Online(), []release.PrivateKey{key})
	if err != nil {
		t.Fatal(err)
	}
	w := &written{files: map[string][]byte{}}
	for path, data := range change.Files() {
		w.files[path] = data
	}
	return w, tuf.Config{Root: w.files["metadata/1.root.json"], Source: w, Clock: func() time.Time { return start }}
}

// lookup chooses a release of a plugin and fetches its bundle, with a new client, and returns how many bytes that downloaded.
func lookup(t testing.TB, w *written, config tuf.Config) int {
	t.Helper()
	w.bytes = 0
	config.Dir = t.TempDir()
	client, err := tuf.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	v, err := client.Refresh(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	versions, err := v.Versions(context.Background(), "acme", "plugin-1")
	if err != nil {
		t.Fatal(err)
	}
	latest := versions[len(versions)-1]
	if len(versions) != 100 || latest.Version != "1.99.0" {
		t.Fatalf("%d versions, the highest is %s", len(versions), latest.Version)
	}
	if _, err := v.Target(context.Background(), tuf.ReleaseTarget("acme", "plugin-1", latest.Version)); err != nil {
		t.Fatal(err)
	}
	return w.bytes
}

// TestLookupIsSmall downloads little of a large index: in bins less than a tenth of what the single role takes. The
// benchmark BenchmarkManyReleases does it with ten times as many releases.
func TestLookupIsSmall(t *testing.T) {
	t.Parallel()
	const releases = 10_000
	spread, config := writeIndex(t, releases, author.BinBits(releases))
	inBins := lookup(t, spread, config)
	single, config := writeIndex(t, releases, 0)
	inOne := lookup(t, single, config)
	t.Logf("%d bytes in bins, %d in one role", inBins, inOne)
	if inBins > 150_000 || inBins > inOne/10 {
		t.Errorf("looking one release up downloads %d bytes in bins, %d in one role", inBins, inOne)
	}
}
