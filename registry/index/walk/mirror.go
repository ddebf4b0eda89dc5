package walk

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/oci"
	"github.com/latticenet/lattice-host/registry/store"
)

// maxMetadataBytes is the largest file of metadata that clients read.
const maxMetadataBytes = 5_000_000

// Mirror writes an index into an uncompressed tar archive: all metadata as it is, all targets but
// the bundles of releases that are not chosen, and the files of those that are as an OCI image
// layout. Equal indexes give equal bytes. What was copied is for [Verify] to judge, from the
// archive that was written.
//
// The static document lists all releases, so that an archive of a few has none.
func Mirror(ctx context.Context, source tuf.Source, pinned []byte, chosen Select, to io.Writer) error {
	draft, err := author.Read(ctx, source, pinned)
	if err != nil {
		return err
	}
	m := mirror{ctx: ctx, source: source, draft: draft, chosen: chosen, tar: tar.NewWriter(to), written: map[string]bool{}}
	for _, step := range []func() error{m.roots, m.metadata, m.targets, m.modules} {
		if err := step(); err != nil {
			return err
		}
	}
	return m.tar.Close()
}

type mirror struct {
	ctx     context.Context
	source  tuf.Source
	draft   *author.Draft
	chosen  Select
	tar     *tar.Writer
	written map[string]bool
	// publishers are those of the index.
	publishers *publisher.List
}

// write adds a file to the archive, unless it has it.
func (m *mirror) write(name string, data []byte) error {
	if m.written[name] {
		return nil
	}
	m.written[name] = true
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: time.Unix(0, 0)}
	if err := m.tar.WriteHeader(header); err != nil {
		return err
	}
	_, err := m.tar.Write(data)
	return err
}

// roots copies every root up to the newest: clients may have pinned any of them.
func (m *mirror) roots() error {
	states, err := m.draft.State()
	if err != nil {
		return err
	}
	for version := range states[0].Version {
		err := m.copyMetadata(fmt.Sprintf("%d.root.json", version+1))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (m *mirror) metadata() error {
	names, err := m.draft.Metadata()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := m.copyMetadata(name); err != nil {
			return err
		}
	}
	return nil
}

func (m *mirror) copyMetadata(name string) error {
	data, err := m.source.Metadata(m.ctx, name, maxMetadataBytes)
	if err != nil {
		return err
	}
	return m.write("metadata/"+name, data)
}

func (m *mirror) targets() error {
	files, err := m.draft.Files()
	if err != nil {
		return err
	}
	for _, f := range files {
		publisher, name, version, isRelease := tuf.ParseReleaseTarget(f.Name)
		if isRelease && m.chosen != nil && !m.chosen(publisher, name, version) {
			continue
		}
		if f.Name == tuf.StaticTarget && m.chosen != nil {
			continue
		}
		data, err := m.source.Target(m.ctx, f.Path, f.Length)
		if err != nil {
			return err
		}
		if err := m.write("targets/"+f.Path, data); err != nil {
			return err
		}
		if f.Name == tuf.StaticTarget {
			err = m.write(tuf.StaticTarget, data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// modules copies the files of the releases. The parts of the layout around them are made again:
// they are the same for the same release.
func (m *mirror) modules() (err error) {
	if m.publishers, err = m.draft.Publishers(); err != nil {
		return err
	}
	listed, err := m.draft.Releases()
	if err != nil {
		return err
	}
	var artifacts []store.Artifact
	for _, r := range listed {
		if !m.chosen.has(r) {
			continue
		}
		packed, err := m.pack(r)
		if err != nil {
			return err
		}
		artifacts = append(artifacts, packed...)
	}
	files, err := store.Describe(artifacts)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := m.write(path.Join(tuf.LayoutFolder, f.Name), f.Data); err != nil {
			return err
		}
	}
	return nil
}

// pack copies the files of a release, unless it must not run.
func (m *mirror) pack(r author.Listed) ([]store.Artifact, error) {
	bundle, claims, err := m.draft.Claims(r.Publisher, r.Name, r.Version.Version)
	if err != nil {
		return nil, err
	}
	// What is wrong with the signatures is for Verify to say.
	if _, by, _ := m.draft.Judge(m.publishers, claims, time.Time{}); by != nil {
		return nil, nil
	}
	wasm, err := module(m.ctx, m.source, r)
	if err != nil {
		return nil, err
	}
	artifact, err := oci.Pack(m.ctx, m, wasm, bundle, claims.Manifest)
	if err != nil {
		return nil, err
	}
	return []store.Artifact{{Name: claims.Manifest.Reference(), Manifest: artifact.Manifest, Referrers: artifact.Bundles}}, nil
}

// Push implements content.Pusher.
func (m *mirror) Push(_ context.Context, d ocispec.Descriptor, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return m.write(path.Join(tuf.LayoutFolder, "blobs", strings.Replace(d.Digest.String(), ":", "/", 1)), data)
}
