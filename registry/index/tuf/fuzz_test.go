package tuf_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
	"github.com/latticenet/lattice-host/registry/release"
)

// FuzzMetadata serves any bytes in place of the metadata of one role. No length and no hash keep
// them from the parser. Whatever they are, the client answers with an error of its own or an index
// that was signed.
func FuzzMetadata(f *testing.F) {
	files := []string{"2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", "2.a.json"}
	repo := tuftest.New(f, start)
	config := tuf.Config{Root: repo.Get("metadata/1.root.json"), AnyRepository: true, Clock: func() time.Time { return start }}
	repo.Hashes = false
	repo.Delegate(targets, metadata.DelegatedRole{Name: "a", Paths: []string{"releases/*/*/*"}}, tuftest.NewKey(50))
	repo.AddTarget("a", web1, []byte("one"))
	repo.PublishRoot()
	repo.PublishAll()
	good := make([][]byte, len(files))
	for i, file := range files {
		good[i] = repo.Get("metadata/" + file)
		f.Add(byte(i), good[i])
		f.Add(byte(i), []byte(`{"signed":{"_type":"targets","targets":{"a":null}}}`))
		f.Add(byte(i), []byte(`{"signed":{"_type":"timestamp","meta":{}}}`))
	}
	config.Source = repo
	f.Fuzz(func(t *testing.T, role byte, data []byte) {
		i := int(role) % len(files)
		repo.Set("metadata/"+files[i], data)
		defer repo.Set("metadata/"+files[i], good[i])
		config := config
		config.Dir = t.TempDir()
		client, err := tuf.Open(config)
		if err != nil {
			t.Fatal(err)
		}
		var target *tuf.Target
		v, err := client.Refresh(context.Background())
		if err == nil {
			target, err = v.Target(context.Background(), web1)
		}
		switch {
		case err == nil && string(target.Data) != "one":
			t.Errorf("got %q", target.Data)
		case err != nil && !errors.Is(err, release.ErrNotTrusted):
			t.Errorf("not an error about trust: %v", err)
		}
	})
}

// FuzzState puts any bytes in place of the record of what was verified.
func FuzzState(f *testing.F) {
	repo := tuftest.New(f, start)
	config := tuf.Config{Root: repo.Get("metadata/1.root.json"), Source: repo, Clock: func() time.Time { return start }}
	f.Add([]byte(`{"version":1,"root":1,"seen":{},"roles":{},"kept":[]}`))
	f.Add([]byte(`{"version":1,"root":1,"seen":{"timestamp":"../x"},"roles":{"targets":""},"kept":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		config := config
		config.Dir = t.TempDir()
		if err := os.WriteFile(filepath.Join(config.Dir, "state.json"), data, 0o644); err != nil {
			t.Fatal(err)
		}
		client, err := tuf.Open(config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Refresh(context.Background()); err != nil && !errors.Is(err, release.ErrNotTrusted) {
			t.Errorf("not an error about trust: %v", err)
		}
	})
}

// FuzzTar opens any bytes as an archive.
func FuzzTar(f *testing.F) {
	var archive bytes.Buffer
	tuftest.New(f, start).WriteTar(&archive)
	f.Add(archive.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		source, err := tuf.OpenTar(writeFile(t, data))
		if err != nil {
			return
		}
		if got, err := source.Metadata(context.Background(), "timestamp.json", 1000); err == nil && len(got) > 1000 {
			t.Errorf("%d bytes", len(got))
		}
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
}

// FuzzNote reads any bytes as what is said about a release.
func FuzzNote(f *testing.F) {
	f.Add([]byte(`{"yanked":{"reason":"leaks"}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		note, err := (&tuf.Target{Name: web1, Role: "releases", Custom: data}).Note()
		switch {
		case err != nil && !errors.Is(err, tuf.ErrMalformed):
			t.Error(err)
		case err != nil && note != (tuf.Note{}):
			t.Errorf("an error and the note %+v", note)
		}
	})
}
