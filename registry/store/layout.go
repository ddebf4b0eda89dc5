package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/opencontainers/go-digest"
	specs "github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/registry/release"
)

// maxIndexBytes is the largest index.json: more than a hundred thousand releases, of some 460 bytes
// each.
const maxIndexBytes = 64 << 20

// maxManifestBytes is the largest manifest that Sweep reads.
const maxManifestBytes = 64 << 10

// Tag gives an artifact a name in index.json; the one that had the name before loses it and stays
// as a nameless one until [Store.Sweep]. Referrers are manifests that name the artifact as their
// subject.
func (s *Store) Tag(name string, artifact ocispec.Descriptor, referrers ...ocispec.Descriptor) error {
	return s.TagAll([]Artifact{{Name: name, Manifest: artifact, Referrers: referrers}})
}

// TagAll is [Store.Tag] for many artifacts, which writes index.json once. Of two with one name the
// last gets it.
func (s *Store) TagAll(artifacts []Artifact) error {
	names, nameless := map[string]bool{}, map[digest.Digest]bool{}
	var added []ocispec.Descriptor
	for _, a := range slices.Backward(artifacts) {
		if names[a.Name] {
			continue
		}
		names[a.Name], nameless[a.Manifest.Digest] = true, true
		a.Manifest.Annotations = map[string]string{ocispec.AnnotationRefName: a.Name}
		added = append(append(added, a.Manifest), a.Referrers...)
		for _, r := range a.Referrers {
			nameless[r.Digest] = true
		}
	}
	return s.edit(func(x *ocispec.Index) {
		x.Manifests = slices.DeleteFunc(x.Manifests, func(d ocispec.Descriptor) bool {
			name := nameOf(d)
			return names[name] || name == "" && nameless[d.Digest]
		})
		x.Manifests = append(x.Manifests, added...)
	})
}

// Untag takes an artifact's name away. That it has none is not an error.
func (s *Store) Untag(name string) error {
	return s.edit(func(x *ocispec.Index) {
		x.Manifests = slices.DeleteFunc(x.Manifests, func(d ocispec.Descriptor) bool { return nameOf(d) == name })
	})
}

// Resolve returns the artifact that has a name. The error is fs.ErrNotExist when none has.
func (s *Store) Resolve(name string) (ocispec.Descriptor, error) {
	x, err := s.readIndex()
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	for _, d := range x.Manifests {
		if nameOf(d) == name {
			d.Annotations = nil
			return d, nil
		}
	}
	return ocispec.Descriptor{}, fmt.Errorf("%s: no artifact is named %s: %w", s.dir, name, fs.ErrNotExist)
}

func nameOf(d ocispec.Descriptor) string { return d.Annotations[ocispec.AnnotationRefName] }

// Sweep removes the artifacts without a name, and every blob that neither a named artifact nor a
// manifest that refers to one needs and that is not in keep. No one may put blobs into the store at
// the same time.
func (s *Store) Sweep(keep []string) error {
	needed := map[string]bool{}
	for _, digest := range keep {
		needed[digest] = true
	}
	err := s.edit(func(x *ocispec.Index) {
		for _, d := range x.Manifests {
			if nameOf(d) != "" {
				s.mark(d, needed)
			}
		}
		x.Manifests = slices.DeleteFunc(x.Manifests, func(d ocispec.Descriptor) bool {
			return nameOf(d) == "" && !s.mark(d, needed)
		})
	})
	if err != nil {
		return err
	}
	blobs, err := os.ReadDir(filepath.Join(s.dir, "blobs", "sha256"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, b := range blobs {
		digest := "sha256:" + b.Name()
		// What is not named like a blob is another program's, or a file that is being written.
		if release.ValidDigest(digest) && !needed[digest] {
			err = errors.Join(err, s.Remove(digest))
		}
	}
	return err
}

// mark notes what an artifact of index.json needs, if it has a name or refers to one that is
// needed, and reports whether it did.
func (s *Store) mark(d ocispec.Descriptor, needed map[string]bool) bool {
	var m ocispec.Manifest
	data, err := s.Get(d.Digest.String(), maxManifestBytes)
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	refers := err == nil && m.Subject != nil && needed[m.Subject.Digest.String()]
	if err != nil || nameOf(d) == "" && !refers {
		// Putting the release again heals a damaged manifest.
		return false
	}
	needed[d.Digest.String()] = true
	for _, part := range append(m.Layers, m.Config) {
		needed[part.Digest.String()] = true
	}
	return true
}

// edit changes index.json while no other edit of it runs.
func (s *Store) edit(change func(*ocispec.Index)) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	if err := s.writeVersion(); err != nil {
		return err
	}
	return filelock.With(s.indexFile(), func() error {
		x, err := s.readIndex()
		if errors.Is(err, ErrCorrupt) {
			// It only says what the blobs are for. Anyone who puts a release again names it again.
			x, err = newIndex(), nil
		}
		if err != nil {
			return err
		}
		before, err := json.Marshal(x)
		if err != nil {
			return err
		}
		change(x)
		sortArtifacts(x.Manifests)
		after, err := json.Marshal(x)
		if err != nil || bytes.Equal(before, after) {
			return err
		}
		return diskfile.Replace(s.indexFile(), after, 0o644)
	})
}

// sortArtifacts puts artifacts in front of what refers to them, and equal sets in an equal order.
func sortArtifacts(all []ocispec.Descriptor) {
	slices.SortFunc(all, func(a, b ocispec.Descriptor) int {
		return cmp.Or(cmp.Compare(a.ArtifactType, b.ArtifactType), cmp.Compare(nameOf(a), nameOf(b)), cmp.Compare(a.Digest, b.Digest))
	})
}

func (s *Store) indexFile() string { return filepath.Join(s.dir, ocispec.ImageIndexFile) }

// writeVersion writes the file that makes the folder an image layout, unless it is there.
func (s *Store) writeVersion() error {
	if s.checkVersion() == nil {
		return nil
	}
	data, err := json.Marshal(ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
	if err != nil {
		return err
	}
	return diskfile.Replace(s.versionFile(), data, 0o644)
}

func (s *Store) versionFile() string { return filepath.Join(s.dir, ocispec.ImageLayoutFile) }

// checkVersion looks at the file that makes the folder an image layout.
func (s *Store) checkVersion() error {
	data, err := diskfile.Read(os.OpenFile, s.versionFile(), maxManifestBytes)
	if err != nil {
		return err
	}
	var layout ocispec.ImageLayout
	if err := json.Unmarshal(data, &layout); err != nil || layout.Version != ocispec.ImageLayoutVersion {
		return fmt.Errorf("%s: %w: must say that the layout has the version %s", s.versionFile(), ErrCorrupt, ocispec.ImageLayoutVersion)
	}
	return nil
}

// readIndex reads index.json. A store without one has no artifacts.
func (s *Store) readIndex() (*ocispec.Index, error) {
	data, err := diskfile.Read(os.OpenFile, s.indexFile(), maxIndexBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return newIndex(), nil
	}
	if err != nil {
		return nil, err
	}
	return parseIndex(s.indexFile(), data)
}

func newIndex() *ocispec.Index {
	return &ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{},
	}
}

// parseIndex reads index.json and refuses texts that are not digests: they become names of files.
func parseIndex(file string, data []byte) (*ocispec.Index, error) {
	var x ocispec.Index
	if err := json.Unmarshal(data, &x); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", file, ErrCorrupt, err)
	}
	for i, d := range x.Manifests {
		if !release.ValidDigest(d.Digest.String()) || d.Size < 0 {
			return nil, fmt.Errorf("%s: %w: manifests.%d: %q of %d bytes is not the SHA-256 of a blob", file, ErrCorrupt, i, d.Digest, d.Size)
		}
	}
	return &x, nil
}
