package index

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/registry/release"
)

// The names of files in the folder of a release.
const (
	// WasmFile is the module.
	WasmFile = "plugin.wasm"
	// BundleFile is the release bundle.
	BundleFile = "release.sigstore.json"
)

// Edit says who changes an index, and when.
type Edit struct {
	// GeneratedAt becomes the index's time; its fraction of a second is dropped.
	GeneratedAt time.Time
	// Key signs the changed index, and must have signed it before. Signatures by other keys do not fit the changed content
	// and are dropped.
	Key release.PrivateKey
}

// Create writes an empty, signed index with the given status into dir, which is made if need be. The error is fs.ErrExist
// when there is an index already.
func Create(dir, status string, edit Edit) error {
	x := &Index{Schema: Schema, Status: status, Publishers: []Publisher{}, Plugins: []Plugin{}}
	data, err := edit.finish(x)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return diskfile.Create(filepath.Join(dir, FileName), data, 0o644)
}

// Read reads the index in dir and checks its form, not its signatures.
func Read(dir string) (*Index, error) {
	file := filepath.Join(dir, FileName)
	data, err := diskfile.Read(os.OpenFile, file, MaxBytes)
	if err != nil {
		return nil, err
	}
	x, err := Parse(data)
	if err != nil {
		return nil, inFile(file, err)
	}
	return x, nil
}

// inFile puts the name of the file in front of every problem.
func inFile(file string, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	// What is not trusted also unwraps to several, but says one thing.
	if !ok || errors.Is(err, release.ErrNotTrusted) {
		return fmt.Errorf("%s: %w", file, err)
	}
	var problems []error
	for _, problem := range joined.Unwrap() {
		problems = append(problems, fmt.Errorf("%s: %w", file, problem))
	}
	return errors.Join(problems...)
}

// AddPublisher declares a publisher in the index in dir. A publisher that is there with another key is an error: changing
// a key makes every installation refuse the publisher, and so must be done by hand.
func AddPublisher(dir, id, name string, key release.PublicKey, edit Edit) error {
	added := Publisher{ID: id, Name: name, PublicKey: base64.StdEncoding.EncodeToString(key.Ed25519)}
	return edit.apply(dir, func(x *Index) error {
		present := x.Publisher(id)
		if present == nil {
			x.Publishers = append(x.Publishers, added)
			slices.SortFunc(x.Publishers, func(a, b Publisher) int { return strings.Compare(a.ID, b.ID) })
			return nil
		}
		if presentKey, err := present.Key(); err != nil || presentKey.ID != key.ID {
			return fmt.Errorf("the publisher %s is there with another key", id)
		}
		present.Name = name
		return nil
	})
}

// AddRelease adds the release of a plugin to the index in dir, whose publisher must be declared, and copies the module and
// the bundle to plugins/PUBLISHER/NAME/VERSION. Adding the same release again changes nothing but the time; adding other
// bytes under the same version is an error. A release that its publisher's key did not sign is an error that wraps
// release.ErrNotTrusted.
func AddRelease(dir string, wasm, bundle []byte, edit Edit) error {
	manifest, err := readManifest(wasm)
	if err != nil {
		return err
	}
	return edit.apply(dir, func(x *Index) error {
		added, err := newRelease(x, manifest, wasm, bundle)
		if err != nil {
			return err
		}
		if err := x.add(manifest, added); err != nil {
			return err
		}
		return copyRelease(dir, added, wasm, bundle)
	})
}

func readManifest(wasm []byte) (*abi.Manifest, error) {
	section, err := release.ManifestSection(wasm)
	if err != nil {
		return nil, err
	}
	return abi.ParseManifest(section)
}

// newRelease verifies a release with the key that the index has for the publisher, and returns its entry.
func newRelease(x *Index, m *abi.Manifest, wasm, bundle []byte) (Release, error) {
	publisher := x.Publisher(m.Publisher)
	if publisher == nil {
		return Release{}, fmt.Errorf("%s: the index has no publisher %s, add it first", m.Reference(), m.Publisher)
	}
	key, err := publisher.Key()
	if err != nil {
		return Release{}, fmt.Errorf("%s: public_key_ed25519: %w", m.Publisher, err)
	}
	want := release.Want{
		Publisher: m.Publisher, Name: m.Name, Version: m.Version, Digest: release.Digest(wasm), Keys: []release.PublicKey{key},
	}
	if _, err := release.Verify(bundle, wasm, want); err != nil {
		return Release{}, err
	}
	b, err := release.ParseBundle(bundle)
	if err != nil {
		return Release{}, err
	}
	channel := ChannelStable
	if prerelease(m.Version) != "" {
		channel = ChannelAlpha
	}
	folder := path.Join("plugins", m.Publisher, m.Name, m.Version)
	return Release{
		Version: m.Version, Channel: channel, Capabilities: release.CapabilityNames(m),
		ManifestURL: path.Join(folder, BundleFile), ArtifactURL: path.Join(folder, WasmFile),
		ArtifactSHA256: strings.TrimPrefix(want.Digest, "sha256:"),
		Signature:      base64.StdEncoding.EncodeToString(b.Signature),
	}, nil
}

// add puts a release into its plugin, which is made if need be, and has the channels offer the highest versions.
func (x *Index) add(m *abi.Manifest, added Release) error {
	p := x.Plugin(m.Publisher, m.Name)
	if p == nil {
		x.Plugins = append(x.Plugins, Plugin{
			ID: m.Publisher + "." + m.Name, Name: m.Name, Publisher: m.Publisher, Type: TypeWasm, Capabilities: []string{},
		})
		slices.SortFunc(x.Plugins, func(a, b Plugin) int { return strings.Compare(a.ID, b.ID) })
		p = x.Plugin(m.Publisher, m.Name)
	}
	i := slices.IndexFunc(p.Releases, func(r Release) bool { return r.Version == added.Version })
	switch {
	case i < 0:
		p.Releases = append(p.Releases, added)
		slices.SortFunc(p.Releases, func(a, b Release) int { return CompareVersions(a.Version, b.Version) })
	case p.Releases[i].ArtifactSHA256 != added.ArtifactSHA256:
		return fmt.Errorf("%s: the index has this version with the digest %s: raise the version", m.Reference(), p.Releases[i].Digest())
	default:
		p.Releases[i] = added
	}
	p.offerHighest(m, added)
	return nil
}

// offerHighest points the channels at the highest versions. What the plugin shows comes from the release it offers.
func (p *Plugin) offerHighest(m *abi.Manifest, added Release) {
	p.Channels = Channels{}
	for _, r := range p.Releases {
		switch r.Channel {
		case ChannelStable:
			p.Channels.Stable = r.Version
		case ChannelAlpha:
			p.Channels.Alpha = r.Version
		}
	}
	p.Latest = p.Channels.Stable
	offered := p.Channels.Stable
	if offered == "" {
		offered = p.Channels.Alpha
	}
	if offered == added.Version {
		p.Summary, p.Capabilities = m.Summary, added.Capabilities
	}
}

func copyRelease(dir string, r Release, wasm, bundle []byte) error {
	folder := filepath.Join(dir, filepath.FromSlash(path.Dir(r.ArtifactURL)))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := diskfile.Replace(filepath.Join(folder, WasmFile), wasm, 0o644); err != nil {
		return err
	}
	return diskfile.Replace(filepath.Join(folder, BundleFile), bundle, 0o644)
}

// apply changes the index in dir while no other edit runs, signs it and replaces the file. A failed change leaves the
// index as it was.
func (e Edit) apply(dir string, change func(*Index) error) error {
	if _, err := os.Stat(filepath.Join(dir, FileName)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: has no %s, create the index first: %w", dir, FileName, err)
	}
	return filelock.With(filepath.Join(dir, FileName), func() error {
		x, err := Read(dir)
		if err != nil {
			return err
		}
		// Signing what somebody else put there would vouch for it.
		if err := x.Verify([]release.PublicKey{e.Key.Public()}, 1); err != nil {
			return inFile(filepath.Join(dir, FileName), err)
		}
		if err := change(x); err != nil {
			return err
		}
		data, err := e.finish(x)
		if err != nil {
			return err
		}
		return diskfile.Replace(filepath.Join(dir, FileName), data, 0o644)
	})
}

// finish dates and signs the index and returns the document.
func (e Edit) finish(x *Index) ([]byte, error) {
	x.GeneratedAt = e.GeneratedAt.UTC().Format("2006-01-02T15:04:05Z")
	x.Signatures = []Signature{}
	if err := x.Sign(e.Key); err != nil {
		return nil, err
	}
	return x.Encode()
}
