package market

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/release"
)

// Limits on a bundle of policies.
const (
	// MaxPolicyBundleBytes is the largest archive.
	MaxPolicyBundleBytes = 4 << 20
	// MaxPolicyFiles is how many files it has.
	MaxPolicyFiles = 500
)

// PolicyFile is a file of a bundle of policies.
type PolicyFile struct {
	// Name is the name of the bundle and the path in it.
	Name string
	Text []byte
}

// InstallPolicies installs bundles of policies from a trusted index: the offline keys of the index
// sign them. Check decides whether the files can be used; any error refuses the bundle. Either all
// are installed or none.
func (h *Home) InstallPolicies(ctx context.Context, names []string, opts Options, check func([]PolicyFile) error) ([]lock.Policy, error) {
	var installed []lock.Policy
	err := lock.Update(h.lockFile(), func(l *lock.Lock) (err error) {
		t, err := h.readTrust()
		if err != nil {
			return err
		}
		in := &install{home: h, trust: t, lock: l, opts: opts}
		defer func() { err = errors.Join(err, in.close()) }()
		if err := in.open(ctx); err != nil {
			return err
		}
		var problems []error
		for _, name := range names {
			p, err := in.policy(ctx, name, check)
			installed, problems = append(installed, p), append(problems, err)
		}
		return errors.Join(problems...)
	})
	if err != nil {
		return nil, err
	}
	return installed, nil
}

// policy installs one bundle, in memory as far as the lock goes.
func (in *install) policy(ctx context.Context, name string, check func([]PolicyFile) error) (lock.Policy, error) {
	if !abi.ValidName(name) {
		return lock.Policy{}, fmt.Errorf("%q cannot name a bundle of policies", name)
	}
	for _, o := range in.indexes {
		target, err := o.view.Target(ctx, tuf.PolicyTarget(name))
		if errors.Is(err, tuf.ErrNotFound) {
			continue
		}
		if err != nil {
			return lock.Policy{}, inIndex(o.Name, err)
		}
		files, err := ReadPolicyBundle(name, target.Data)
		if err == nil {
			err = check(files)
		}
		if err != nil {
			return lock.Policy{}, err
		}
		if _, err := in.home.store.Put(target.Data); err != nil {
			return lock.Policy{}, err
		}
		p := lock.Policy{Name: name, Index: o.Name, Digest: release.Digest(target.Data), ResolvedAt: lock.Date(in.home.now())}
		in.lock.SetIndex(o.locked())
		in.lock.SetPolicy(p)
		return p, nil
	}
	return lock.Policy{}, fmt.Errorf("%s: no trusted index has a bundle of policies of this name", name)
}

// RemovePolicies takes bundles of policies out of the lock, all or none.
func (h *Home) RemovePolicies(names []string) error {
	err := lock.Update(h.lockFile(), func(l *lock.Lock) error {
		var problems []error
		for _, name := range names {
			if !l.DeletePolicy(name) {
				problems = append(problems, fmt.Errorf("%s: no bundle of policies of this name is installed", name))
			}
		}
		l.DropIndexes()
		return errors.Join(problems...)
	})
	if err != nil {
		return err
	}
	return h.exclusively(func(l *lock.Lock) error { return h.collect(l, nil) })
}

// Policies returns the installed bundles of policies, sorted by name.
func (h *Home) Policies() ([]lock.Policy, error) {
	l, err := lock.Read(h.lockFile())
	if err != nil {
		return nil, release.NotTrusted(h.dir, "", err)
	}
	return l.Policies, nil
}

// PolicyFiles returns the files of all installed bundles of policies, from archives that have the
// digests of the lock. Every error wraps release.ErrNotTrusted.
func (h *Home) PolicyFiles() ([]PolicyFile, error) {
	installed, err := h.Policies()
	if err != nil {
		return nil, err
	}
	var all []PolicyFile
	for _, p := range installed {
		data, err := h.store.Get(p.Digest, MaxPolicyBundleBytes)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("the store has no file with this digest: run lattice-host policy install %s", p.Name)
		}
		if err != nil {
			return nil, release.NotTrusted("policies "+p.Name, p.Digest, err)
		}
		files, err := ReadPolicyBundle(p.Name, data)
		if err != nil {
			return nil, release.NotTrusted("policies "+p.Name, p.Digest, err)
		}
		all = append(all, files...)
	}
	return all, nil
}

// ReadPolicyBundle returns the files of an archive, sorted by name. It is an uncompressed tar of
// regular files and folders.
func ReadPolicyBundle(bundle string, data []byte) ([]PolicyFile, error) {
	if len(data) > MaxPolicyBundleBytes {
		return nil, fmt.Errorf("%s: the archive has %d bytes, the limit is %d", bundle, len(data), MaxPolicyBundleBytes)
	}
	var files []PolicyFile
	var total int64
	r := tar.NewReader(bytes.NewReader(data))
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: is not a tar file: %w", bundle, err)
		}
		if header.Typeflag == tar.TypeDir {
			continue
		}
		name := path.Join(bundle, header.Name)
		switch {
		case header.Typeflag != tar.TypeReg:
			return nil, fmt.Errorf("%s: entry %q: is neither a file nor a folder", bundle, header.Name)
		case !fs.ValidPath(header.Name) || header.Name == "." || strings.ContainsFunc(header.Name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }):
			return nil, fmt.Errorf("%s: entry %q: the name leads out of the archive", bundle, header.Name)
		case len(files) == MaxPolicyFiles:
			return nil, fmt.Errorf("%s: has more than %d files", bundle, MaxPolicyFiles)
		case slices.ContainsFunc(files, func(f PolicyFile) bool { return f.Name == name }):
			return nil, fmt.Errorf("%s: entry %q: is a duplicate", bundle, header.Name)
		}
		// A sparse file has any size in a few bytes.
		if total += header.Size; header.Size > MaxPolicyBundleBytes || total > MaxPolicyBundleBytes {
			return nil, fmt.Errorf("%s: entry %q: the files have more than %d bytes together", bundle, header.Name, MaxPolicyBundleBytes)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return nil, fmt.Errorf("%s: entry %q: %w", bundle, header.Name, err)
		}
		files = append(files, PolicyFile{name, text})
	}
	slices.SortFunc(files, func(a, b PolicyFile) int { return strings.Compare(a.Name, b.Name) })
	return files, nil
}

// PackPolicyBundle returns the archive of files, whose names are paths in it. Equal files give
// equal bytes.
func PackPolicyBundle(files []PolicyFile) ([]byte, error) {
	files = slices.SortedFunc(slices.Values(files), func(a, b PolicyFile) int { return strings.Compare(a.Name, b.Name) })
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: f.Name, Size: int64(len(f.Text)), Mode: 0o644, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if _, err := w.Write(f.Text); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	_, err := ReadPolicyBundle("bundle", b.Bytes())
	return b.Bytes(), err
}
