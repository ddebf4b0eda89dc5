package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/oci"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/registry/store"
)

// What an installation may take: a plugin of 3 MB from a registry on this machine, and the checks
// of one load.
const (
	installLimit = time.Second
	loadLimit    = 5 * time.Millisecond
	// installedBytes is about the size of the module that is installed.
	installedBytes = 3 << 20
)

// marketplace is an index with one large plugin, whose module is in a registry.
type marketplace struct {
	dir, index string
	root       []byte
	registry   *httptest.Server
	key        release.PrivateKey
}

// measureMarket installs from an index in a folder and a registry on the loopback interface, and
// loads what is installed.
func measureMarket(ctx context.Context, f *fixture) (rows []row, err error) {
	m, err := newMarketplace(ctx, f)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	batches := 9
	if f.effort.brief() {
		batches = f.effort.batches
	}
	var installs, loads []time.Duration
	for i := range batches {
		install, load, err := m.once(ctx, filepath.Join(m.dir, fmt.Sprint("home-", i)))
		if err != nil {
			return nil, err
		}
		installs, loads = append(installs, install), append(loads, load)
	}
	return []row{
		timeRow("install of a 3 MB plugin from a local registry / limit", 1, median(installs), installLimit),
		timeRow("checks of one load, 3 MB plugin / limit", 1, median(loads), loadLimit),
	}, nil
}

// once makes an installation, installs the plugin and loads it, and returns what both took.
func (m *marketplace) once(ctx context.Context, dir string) (install, load time.Duration, err error) {
	home, err := market.Create(dir, nil)
	if err != nil {
		return 0, 0, err
	}
	if _, err := home.TrustIndex("bench", m.index, m.root); err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if _, err := home.Install(ctx, []string{"bench/deployment"}, market.Options{Registry: oci.Options{PlainHTTP: true}}); err != nil {
		return 0, 0, err
	}
	install = time.Since(start)
	if _, err := home.SetActive([]string{"deployment"}, true, ""); err != nil {
		return 0, 0, err
	}
	s, err := home.Snapshot(ctx, market.Policy{})
	if err != nil {
		return 0, 0, err
	}
	start = time.Now()
	_, err = s.Load(ctx, "deployment")
	return install, time.Since(start), err
}

func newMarketplace(ctx context.Context, f *fixture) (m *marketplace, err error) {
	m = &marketplace{registry: httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))}
	if m.dir, err = os.MkdirTemp("", "lattice-bench-*"); err != nil {
		return nil, err
	}
	m.index = filepath.Join(m.dir, "index")
	if m.key, err = release.GenerateKey(rand.Reader); err != nil {
		return nil, err
	}
	listed, err := m.push(ctx, f)
	if err != nil {
		return nil, err
	}
	return m, m.publish(listed)
}

func (m *marketplace) close() error {
	m.registry.Close()
	return os.RemoveAll(m.dir)
}

// push signs the deployment plugin, made large with a custom section of noise, and puts it into the
// registry.
func (m *marketplace) push(ctx context.Context, f *fixture) (author.Release, error) {
	manifest := *f.modules["deployment"].Manifest()
	manifest.Publisher = "bench"
	noise := make([]byte, installedBytes)
	if _, err := rand.Read(noise); err != nil {
		return author.Release{}, err
	}
	wasm, err := release.AppendManifestSection(customSection("noise", noise), manifest.CanonicalJSON())
	if err != nil {
		return author.Release{}, err
	}
	bundle, err := release.Sign(m.key, wasm)
	if err != nil {
		return author.Release{}, err
	}
	repository := strings.TrimPrefix(m.registry.URL, "http://") + "/bench/deployment"
	remote, err := oci.Open(repository, oci.Options{PlainHTTP: true})
	if err != nil {
		return author.Release{}, err
	}
	blobs := store.Open(filepath.Join(m.dir, "packed")).Blobs()
	artifact, err := oci.Pack(ctx, blobs, wasm, bundle, &manifest)
	if err != nil {
		return author.Release{}, err
	}
	return author.Release{
		Publisher: manifest.Publisher, Name: manifest.Name, Version: manifest.Version, Summary: manifest.Summary, ABI: manifest.ABI,
		Capabilities: release.CapabilityNames(&manifest), Digest: release.Digest(wasm), Size: int64(len(wasm)), Bundle: bundle,
		OCI: repository + "@" + artifact.Manifest.Digest.String(),
	}, oci.Push(ctx, blobs, artifact, remote, manifest.Version)
}

// customSection returns a module that is nothing but a custom section.
func customSection(name string, content []byte) []byte {
	body := append(append(leb128(len(name)), name...), content...)
	module := append([]byte("\x00asm\x01\x00\x00\x00\x00"), leb128(len(body))...)
	return append(module, body...)
}

// leb128 encodes an unsigned number as WebAssembly does.
func leb128(n int) []byte {
	var b []byte
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// publish makes the index.
func (m *marketplace) publish(listed author.Release) error {
	signers := map[string]author.Signers{}
	for _, role := range author.Roles() {
		signers[role] = author.Signers{Keys: []release.PublicKey{m.key.Public()}, Threshold: 1}
	}
	draft, err := author.New(signers, author.Options{})
	if err != nil {
		return err
	}
	publishers := publisher.New()
	key := publisher.NewKey(m.key.Public(), time.Time{}, time.Time{})
	if err := publishers.Set(publisher.Publisher{ID: "bench", Name: "Bench", Keys: []publisher.Key{key}}); err != nil {
		return err
	}
	document, err := publishers.Encode()
	if err != nil {
		return err
	}
	if err := errors.Join(draft.Set(tuf.PublishersTarget, document), draft.AddRelease(listed)); err != nil {
		return err
	}
	change, err := draft.Publish(time.Now(), author.Online(), []release.PrivateKey{m.key})
	if err != nil {
		return err
	}
	if err := change.Write(m.index); err != nil {
		return err
	}
	m.root, err = os.ReadFile(filepath.Join(m.index, "metadata", "1.root.json"))
	return err
}
