package latticenet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// compare reports how the stored folder differs from the plugin: in a byte, a mode, or a file too
// many or too few.
func (v *Verified) compare(root *os.Root, folder string, most limits) error {
	s := stored{root: root, folder: folder, expected: set{".": true}}
	for _, f := range []struct {
		name string
		data []byte
	}{{ManifestFile, v.document}, {ArtifactFile, v.artifact}} {
		if err := s.file(f.name, fileMode, bytes.NewReader(f.data)); err != nil {
			return err
		}
	}
	if v.manifest.IsV2() {
		s.expected[BundleFolder] = true
		err := readArchive(v.artifact, most, func(e entry, content io.Reader) error {
			name := path.Join(BundleFolder, e.path)
			for parent := path.Dir(name); parent != BundleFolder; parent = path.Dir(parent) {
				s.expected[parent] = true
			}
			if e.folder {
				s.expected[name] = true
				return nil
			}
			return s.file(name, v.fileMode(e.path), content)
		})
		if err != nil {
			return err
		}
	}
	return s.nothingElse()
}

// stored is a folder that is compared with what should be there.
type stored struct {
	root   *os.Root
	folder string
	// expected are the paths in the folder: true for folders, false for files.
	expected set
}

// file compares one file.
func (s *stored) file(name string, mode fs.FileMode, content io.Reader) (err error) {
	s.expected[name] = false
	at := path.Join(s.folder, name)
	// Opening a named pipe would wait for a writer otherwise. Links are found later, with all that
	// should not be there.
	f, err := s.root.OpenFile(at, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode() != mode {
		return fmt.Errorf("%s: has the mode %v, must have %v", at, info.Mode(), mode)
	}
	same, err := equalContent(f, content)
	if err != nil {
		return err
	}
	if !same {
		return fmt.Errorf("%s: is not what was imported", at)
	}
	return nil
}

// nothingElse walks the folder and complains about what should not be there.
func (s *stored) nothingElse() error {
	seen := 0
	err := fs.WalkDir(s.root.FS(), s.folder, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		seen++
		name := "."
		if at != s.folder {
			name = at[len(s.folder)+1:]
		}
		folder, expected := s.expected[name]
		if !expected || folder != d.IsDir() || !folder && !d.Type().IsRegular() {
			return fmt.Errorf("%s: was not imported", at)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if folder && info.Mode().Perm() != folderMode {
			return fmt.Errorf("%s: has the mode %v, must have %v", at, info.Mode().Perm(), folderMode)
		}
		return nil
	})
	if err == nil && seen != len(s.expected) {
		err = fmt.Errorf("%s: a folder of the bundle is missing", s.folder)
	}
	return err
}

// equalContent reports whether two readers have the same bytes.
func equalContent(a, b io.Reader) (bool, error) {
	var x, y [32 << 10]byte
	for {
		n, errA := io.ReadFull(a, x[:])
		m, errB := io.ReadFull(b, y[:])
		if !bytes.Equal(x[:n], y[:m]) {
			return false, nil
		}
		if err := errors.Join(notEnd(errA), notEnd(errB)); err != nil {
			return false, err
		}
		if errA != nil || errB != nil {
			return true, nil
		}
	}
}

func notEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
