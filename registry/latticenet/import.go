package latticenet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/internal/problem"
)

// The names in the folder of a stored plugin. They are fixed, so that no manifest can lead
// elsewhere.
const (
	// ManifestFile is the manifest as it was signed.
	ManifestFile = "manifest.json"
	// ArtifactFile is the artifact as it was signed.
	ArtifactFile = "artifact"
	// BundleFolder holds the files of the artifact in version 2.
	BundleFolder = "bundle"
)

// The modes of what is stored.
const (
	folderMode  fs.FileMode = 0o700
	fileMode    fs.FileMode = 0o600
	programMode fs.FileMode = 0o700
)

const (
	// stagingPrefix is in front of the name of a folder that is not complete.
	stagingPrefix = ".staging-"
	// lockedName is what imports lock, see package filelock. No plugin can have this id.
	lockedName = "import"
)

// Imported is a stored plugin.
type Imported struct {
	// Folder is where it is: ID/VERSION/DIGEST below the folder of all.
	Folder string
	// Existing is true when it was stored before.
	Existing bool
	// Others are the folders of other artifacts with this id, sorted. A LatticeNet server loads
	// none of several with one id.
	Others []string
}

// ErrBundle marks an error of an artifact that breaks a rule, no matter who signed it.
var ErrBundle = problem.New(problem.Invalid, "the bundle breaks a rule")

// Import stores a plugin in dir, which is made if need be, in a folder ID/VERSION/DIGEST that is
// completely there or not there at all. What is there already is compared byte for byte. A bundle
// that breaks a rule leaves nothing over: it is read to its end before anything is written.
func Import(dir string, v *Verified) (*Imported, error) {
	return importWithin(dir, v, defaultLimits())
}

func importWithin(dir string, v *Verified, most limits) (*Imported, error) {
	if v.manifest.Version == "" {
		return nil, fmt.Errorf("%s: version: is missing, a plugin is stored under it", v.manifest.ID)
	}
	if err := v.checkContent(most); err != nil {
		return nil, problem.With(ErrBundle, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var imported *Imported
	err := filelock.With(filepath.Join(dir, lockedName), func() (err error) {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, root.Close()) }()
		w := writer{root: root, v: v, limits: most}
		imported, err = w.run()
		return err
	})
	if err != nil {
		return nil, err
	}
	imported.Folder = filepath.Join(dir, filepath.FromSlash(imported.Folder))
	return imported, nil
}

// checkContent reads the whole bundle, and looks for the files that the manifest names.
func (v *Verified) checkContent(most limits) error {
	at := v.manifest.Reference()
	if len(v.artifact) > MaxArtifactBytes {
		return fmt.Errorf("%s: the artifact has %d bytes, the limit is %d", at, len(v.artifact), MaxArtifactBytes)
	}
	if !v.manifest.IsV2() {
		return nil
	}
	files := set{}
	err := readArchive(v.artifact, most, func(e entry, _ io.Reader) error {
		files[e.path] = !e.folder
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	var c checker
	for _, path := range v.manifest.entrypoints() {
		c.Require(files[path], at+": runtime.entrypoints", quote(path)+" is not a file of the bundle")
	}
	if ui := v.manifest.UIRuntime; ui != nil {
		c.Require(files[ui.Entrypoint], at+": ui_runtime.entrypoint", quote(ui.Entrypoint)+" is not a file of the bundle")
	}
	return c.Err()
}

// folder returns where the plugin belongs.
func (v *Verified) folder() string { return path.Join(v.manifest.ID, v.manifest.Version, v.digest) }

// fileMode returns the mode of a file of the bundle.
func (v *Verified) fileMode(path string) fs.FileMode {
	if slices.Contains(v.manifest.entrypoints(), path) {
		return programMode
	}
	return fileMode
}

// writer stores one plugin while no other import runs. Root keeps it inside of the folder whatever
// links are there.
type writer struct {
	root   *os.Root
	v      *Verified
	limits limits
}

func (w *writer) run() (*Imported, error) {
	if err := w.sweep(); err != nil {
		return nil, err
	}
	imported := &Imported{Folder: w.v.folder()}
	_, err := w.root.Lstat(imported.Folder)
	switch {
	case err == nil:
		imported.Existing = true
		if err := w.v.compare(w.root, imported.Folder, w.limits); err != nil {
			return nil, fmt.Errorf("%s/%w; remove the folder to import the plugin again", w.root.Name(), err)
		}
	case errors.Is(err, fs.ErrNotExist):
		if err := w.write(imported.Folder); err != nil {
			return nil, err
		}
	default:
		return nil, err
	}
	others, err := w.others(imported.Folder)
	imported.Others = others
	return imported, err
}

// sweep removes what imports left that were killed.
func (w *writer) sweep() error {
	names, err := listFolder(w.root, ".")
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, stagingPrefix) {
			if err := w.root.RemoveAll(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// write puts everything into a staging folder and gives it its name at the end.
func (w *writer) write(folder string) (err error) {
	staging := stagingPrefix + w.v.digest
	defer func() {
		if err != nil {
			err = errors.Join(err, w.root.RemoveAll(staging))
		}
	}()
	if err := w.root.Mkdir(staging, folderMode); err != nil {
		return err
	}
	if err := w.fill(staging); err != nil {
		return err
	}
	return w.publish(staging, folder)
}

func (w *writer) fill(staging string) error {
	folders := []string{staging}
	for _, f := range []struct {
		name string
		data []byte
	}{{ManifestFile, w.v.document}, {ArtifactFile, w.v.artifact}} {
		if err := w.file(path.Join(staging, f.name), fileMode, bytes.NewReader(f.data)); err != nil {
			return err
		}
	}
	if w.v.manifest.IsV2() {
		bundle := path.Join(staging, BundleFolder)
		folders = append(folders, bundle)
		if err := w.root.Mkdir(bundle, folderMode); err != nil {
			return err
		}
		err := readArchive(w.v.artifact, w.limits, func(e entry, content io.Reader) error {
			target := path.Join(bundle, e.path)
			for folder := path.Dir(target); folder != bundle; folder = path.Dir(folder) {
				folders = append(folders, folder)
			}
			if e.folder {
				folders = append(folders, target)
				return w.root.MkdirAll(target, folderMode)
			}
			if err := w.root.MkdirAll(path.Dir(target), folderMode); err != nil {
				return err
			}
			return w.file(target, w.v.fileMode(e.path), content)
		})
		if err != nil {
			return err
		}
	}
	slices.Sort(folders)
	for _, folder := range slices.Compact(folders) {
		if err := syncFolder(w.root, folder); err != nil {
			return err
		}
	}
	return nil
}

// file writes a new file, durably.
func (w *writer) file(name string, mode fs.FileMode, content io.Reader) (err error) {
	f, err := w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.Copy(f, content); err != nil {
		return err
	}
	// The process's umask must not matter.
	if err := f.Chmod(mode); err != nil {
		return err
	}
	return f.Sync()
}

func (w *writer) publish(staging, folder string) error {
	version := path.Dir(folder)
	if err := w.root.MkdirAll(version, folderMode); err != nil {
		return err
	}
	if err := w.root.Rename(staging, folder); err != nil {
		// Only empty folders can be removed.
		_, _ = w.root.Remove(version), w.root.Remove(path.Dir(version))
		return err
	}
	for _, changed := range []string{version, path.Dir(version), "."} {
		if err := syncFolder(w.root, changed); err != nil {
			return err
		}
	}
	return nil
}

// others returns the folders of the same plugin next to its own.
func (w *writer) others(folder string) ([]string, error) {
	id := w.v.manifest.ID
	versions, err := listFolder(w.root, id)
	if err != nil {
		return nil, err
	}
	var others []string
	for _, version := range versions {
		digests, err := listFolder(w.root, path.Join(id, version))
		if err != nil {
			return nil, err
		}
		for _, digest := range digests {
			if other := path.Join(id, version, digest); other != folder {
				others = append(others, other)
			}
		}
	}
	return others, nil
}

// listFolder returns the names in a folder, sorted.
func listFolder(root *os.Root, name string) ([]string, error) {
	entries, err := fs.ReadDir(root.FS(), name)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

// syncFolder makes the names in a folder durable.
func syncFolder(root *os.Root, name string) error {
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
