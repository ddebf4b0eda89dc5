package tuftest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/release"
)

// Memory is an index as its author writes it, in memory. It is a tuf.Source for one goroutine.
type Memory struct {
	// Files are what is served, by path: metadata/… and targets/….
	Files map[string][]byte
	// Downloaded counts the bytes that were served.
	Downloaded int
}

// VersionsOfPlugin is how many releases [Large] makes of each plugin but the last.
const VersionsOfPlugin = 100

// bundleBytes is about the size of a release bundle.
const bundleBytes = 2000

// Large returns an index of so many releases, those of the plugins acme/plugin-0, acme/plugin-1 and
// so on with the versions 1.0.0, 1.1.0 and so on, as published at a time.
func Large(releases, binBits int, now time.Time) (*Memory, error) {
	seed := bytes.Repeat([]byte{1}, ed25519.SeedSize)
	key, err := release.GenerateKey(bytes.NewReader(seed))
	if err != nil {
		return nil, err
	}
	signers := map[string]author.Signers{}
	for _, role := range author.Roles() {
		signers[role] = author.Signers{Keys: []release.PublicKey{key.Public()}, Threshold: 1}
	}
	d, err := author.New(signers, author.Options{BinBits: binBits})
	if err != nil {
		return nil, err
	}
	bundle := []byte(strings.Repeat("x", bundleBytes))
	for i := range releases {
		err := d.AddRelease(author.Release{
			Publisher: "acme", Name: fmt.Sprintf("plugin-%d", i/VersionsOfPlugin), Version: fmt.Sprintf("1.%d.0", i%VersionsOfPlugin),
			ABI: 1, Size: 1 << 20, Summary: "derives what this plugin derives, in about as many words",
			Digest: release.Digest(fmt.Append(nil, i)), Capabilities: []string{"http.get", "kv"}, Bundle: bundle,
		})
		if err != nil {
			return nil, err
		}
	}
	change, err := d.Publish(now, author.Online(), []release.PrivateKey{key})
	if err != nil {
		return nil, err
	}
	m := &Memory{Files: map[string][]byte{}}
	for path, data := range change.Files() {
		m.Files[path] = data
	}
	return m, nil
}

// Root returns the first root.
func (m *Memory) Root() []byte { return m.Files["metadata/1.root.json"] }

// Metadata serves as a tuf.Source.
func (m *Memory) Metadata(_ context.Context, file string, limit int64) ([]byte, error) {
	return m.Get("metadata/"+file, limit)
}

// Target serves as a tuf.Source.
func (m *Memory) Target(_ context.Context, path string, limit int64) ([]byte, error) {
	return m.Get("targets/"+path, limit)
}

// Close does nothing.
func (m *Memory) Close() error { return nil }

// Get serves a file.
func (m *Memory) Get(path string, limit int64) ([]byte, error) {
	data, ok := m.Files[path]
	switch {
	case !ok:
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("%s: %w", path, tuf.ErrTooLarge)
	}
	m.Downloaded += len(data)
	return bytes.Clone(data), nil
}

// LookUp chooses the highest version of acme/plugin-0 and fetches its bundle, as a new client whose
// state is in the folder dir. The index is as it was published at a time.
func (m *Memory) LookUp(ctx context.Context, dir string, now time.Time) (*tuf.Target, error) {
	client, err := tuf.Open(tuf.Config{Root: m.Root(), Dir: dir, Source: m, Clock: func() time.Time { return now }})
	if err != nil {
		return nil, err
	}
	v, err := client.Refresh(ctx)
	if err != nil {
		return nil, err
	}
	versions, err := v.Versions(ctx, "acme", "plugin-0")
	if err != nil {
		return nil, err
	}
	return v.Target(ctx, tuf.ReleaseTarget("acme", "plugin-0", versions[len(versions)-1].Version))
}
