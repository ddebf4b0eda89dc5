package market

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/oci"
	"github.com/latticenet/lattice-host/registry/release"
)

// Options say how to install.
type Options struct {
	// All installs every plugin of the index instead of named ones.
	All bool
	// Grant names the capabilities that the operator grants to the plugins of this install. A plugin that asks for another
	// one is refused.
	Grant []string
	// AllowDowngrade lets an older version replace the installed one.
	AllowDowngrade bool
}

// Installed is the outcome for one plugin.
type Installed struct {
	// Plugin is the entry in the lock.
	lock.Plugin
	// Previous is the version that was installed before; empty for a plugin that was not.
	Previous string
}

// Install installs plugins from the index in the folder indexDir, which a pinned key must have signed. A name is
// publisher/name, publisher/name@version, or a bare name that one publisher only uses; without a version it means the
// highest one that is not a prerelease. Either all of them are installed or none: the lock is written last and once. The
// result is sorted by publisher and name.
//
// Installing again what is installed puts files back that were damaged.
//
// Errors: release.ErrNotTrusted when a signature, a digest, a key or a name is wrong; [ErrNeedsConsent] when a capability
// is not granted.
func (h *Home) Install(ctx context.Context, indexDir string, names []string, opts Options) ([]Installed, error) {
	if err := checkGrants(opts.Grant); err != nil {
		return nil, err
	}
	var installed []Installed
	err := lock.Update(h.lockFile(), func(l *lock.Lock) error {
		t, err := h.readTrust()
		if err != nil {
			return err
		}
		in := install{home: h, trust: t, lock: l, dir: indexDir, opts: opts}
		installed, err = in.run(ctx, names)
		return err
	})
	if err != nil {
		return nil, err
	}
	return installed, nil
}

// install is one run of Install, under the lock of the installation.
type install struct {
	home  *Home
	trust *trust
	lock  *lock.Lock
	dir   string
	opts  Options

	index *index.Index
	// signers are the ids of the pinned keys that signed the index.
	signers []string
}

// fetched is a verified release that is not yet installed.
type fetched struct {
	module *release.Module
	bundle []byte
	entry  lock.Plugin
}

func (in *install) run(ctx context.Context, names []string) ([]Installed, error) {
	if err := in.openIndex(); err != nil {
		return nil, err
	}
	chosen, err := resolve(in.index, names, in.opts.All)
	if err != nil {
		return nil, err
	}
	releases, err := in.fetchAll(ctx, chosen)
	if err != nil {
		return nil, err
	}
	installed, err := in.record(releases)
	if err != nil {
		return nil, err
	}
	for _, r := range releases {
		if err := in.put(ctx, r); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// Recorded keys without a plugin do no harm when the lock is not written after all.
	return installed, in.home.writeTrust(in.trust)
}

func (in *install) openIndex() error {
	file := filepath.Join(in.dir, index.FileName)
	keys, err := publicKeys(in.trust.IndexKeys)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return release.NotTrusted(file, "", errors.New("this installation trusts no index key, pin one first"))
	}
	x, err := index.Read(in.dir)
	if err != nil {
		return err
	}
	if err := x.Verify(keys, 1); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	in.index = x
	in.signers, err = x.Signers(keys)
	return err
}

// fetchAll reads and verifies every release before anything is written, and reports everything that is wrong.
func (in *install) fetchAll(ctx context.Context, chosen []candidate) (releases []fetched, err error) {
	root, err := os.OpenRoot(in.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	var problems []error
	for _, c := range chosen {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := in.fetch(root, c)
		if err == nil {
			err = checkConsent(f.module.Manifest(), in.opts.Grant)
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		releases = append(releases, f)
	}
	slices.SortFunc(releases, func(a, b fetched) int { return strings.Compare(a.entry.Path(), b.entry.Path()) })
	return releases, errors.Join(problems...)
}

func (in *install) fetch(root *os.Root, c candidate) (fetched, error) {
	digest := c.release.Digest()
	fail := func(err error) (fetched, error) {
		return fetched{}, release.NotTrusted(c.reference(), digest, err)
	}
	keys, err := in.publisherKeys(c.publisher)
	if err != nil {
		return fail(err)
	}
	source, err := in.home.admit(in.trust, c.publisher, keys, in.signers)
	if err != nil {
		return fail(err)
	}
	wasm, err := readBelow(root, c.release.ArtifactURL, abi.MaxModuleBytes)
	if err != nil {
		return fail(err)
	}
	bundle, err := readBelow(root, c.release.ManifestURL, release.MaxBundleBytes)
	if err != nil {
		return fail(fmt.Errorf("the release has no signature bundle: %w", err))
	}
	want := release.Want{Publisher: c.publisher, Name: c.name, Version: c.release.Version, Digest: digest, Keys: keys}
	m, err := release.Verify(bundle, wasm, want)
	if err != nil {
		return fetched{}, err
	}
	keyID, err := signedBy(bundle, c.release)
	if err != nil {
		return fail(err)
	}
	return fetched{module: m, bundle: bundle, entry: lock.Plugin{
		Publisher: c.publisher, Name: c.name, Version: c.release.Version, Digest: digest, Size: int64(len(wasm)),
		Bundle: release.Digest(bundle), KeyID: keyID, ABI: m.Manifest().ABI, Index: source,
		Capabilities: release.CapabilityNames(m.Manifest()),
	}}, nil
}

func (in *install) publisherKeys(id string) ([]release.PublicKey, error) {
	publisher := in.index.Publisher(id)
	if publisher == nil {
		return nil, fmt.Errorf("the index has no publisher %s", id)
	}
	key, err := publisher.Key()
	return []release.PublicKey{key}, err
}

// readBelow reads a file of a folder index. The root keeps links from leading out of it.
func readBelow(root *os.Root, location string, limit int64) ([]byte, error) {
	if !index.IsRelative(location) {
		return nil, fmt.Errorf("%s is not in the folder of the index: install from a copy that has all files", location)
	}
	return diskfile.Read(root.OpenFile, filepath.FromSlash(location), limit)
}

// signedBy returns the id of the key of a verified bundle, which must be the one that the index means.
func signedBy(bundle []byte, r index.Release) (string, error) {
	b, err := release.ParseBundle(bundle)
	if err != nil {
		return "", err
	}
	signature, err := r.SignatureBytes()
	if err != nil || !bytes.Equal(signature, b.Signature) {
		return "", errors.New("signature_ed25519 in the index is not the signature in the release bundle")
	}
	return b.KeyHint, nil
}

// record puts the releases into the lock in memory.
func (in *install) record(releases []fetched) ([]Installed, error) {
	var installed []Installed
	var problems []error
	for _, r := range releases {
		previous := in.lockedVersion(r.entry.Path())
		if previous != "" && index.CompareVersions(previous, r.entry.Version) > 0 && !in.opts.AllowDowngrade {
			problems = append(problems, fmt.Errorf("%s: the newer version %s is installed: allow the downgrade with --allow-downgrade",
				r.entry.Reference(), previous))
			continue
		}
		in.lock.Set(r.entry)
		installed = append(installed, Installed{Plugin: r.entry, Previous: previous})
	}
	return installed, errors.Join(problems...)
}

func (in *install) lockedVersion(path string) string {
	for _, p := range in.lock.Plugins {
		if p.Path() == path {
			return p.Version
		}
	}
	return ""
}

func (in *install) put(ctx context.Context, r fetched) error {
	artifact, err := oci.Pack(ctx, in.home.store.Blobs(), r.module.Wasm(), r.bundle, r.module.Manifest())
	if err != nil {
		return err
	}
	return in.home.store.Tag(r.entry.Reference(), artifact.Manifest, artifact.Bundle)
}
