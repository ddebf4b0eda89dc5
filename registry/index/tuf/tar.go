package tuf

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// maxArchiveEntries bounds the memory that the table of contents takes.
const maxArchiveEntries = 1 << 20

// archive is a tar file that is read in place: nothing is unpacked.
type archive struct {
	file     *os.File
	contents map[string]extent
}

// extent is where the content of an entry is.
type extent struct{ offset, size int64 }

// OpenTar returns the index in an uncompressed tar file. Entries other than folders and regular
// files, and names that are there twice or lead out of the archive, are errors.
func OpenTar(file string) (Source, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	a := &archive{file: f, contents: map[string]extent{}}
	if err := a.scan(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", file, err), f.Close())
	}
	return &files{read: a.read, close: f.Close}, nil
}

func (a *archive) scan() error {
	info, err := a.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("is not a regular file")
	}
	r := tar.NewReader(a.file)
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("is not a tar file: %w", err)
		}
		if err := a.add(header); err != nil {
			return err
		}
	}
}

// add notes an entry whose content begins where the file is.
func (a *archive) add(header *tar.Header) error {
	name := strings.TrimSuffix(strings.TrimPrefix(header.Name, "./"), "/")
	switch header.Typeflag {
	case tar.TypeXGlobalHeader, tar.TypeDir:
		return nil
	case tar.TypeReg:
	default:
		return fmt.Errorf("entry %q: is neither a file nor a folder", header.Name)
	}
	for record := range header.PAXRecords {
		if strings.HasPrefix(record, "GNU.sparse.") {
			return fmt.Errorf("entry %q: must not be sparse", header.Name)
		}
	}
	if !fs.ValidPath(name) {
		return fmt.Errorf("entry %q: the name leads out of the archive", header.Name)
	}
	if _, ok := a.contents[name]; ok {
		return fmt.Errorf("entry %q: is a duplicate", header.Name)
	}
	if len(a.contents) == maxArchiveEntries {
		return fmt.Errorf("has more than %d entries", maxArchiveEntries)
	}
	offset, err := a.file.Seek(0, io.SeekCurrent)
	a.contents[name] = extent{offset, header.Size}
	return err
}

func (a *archive) read(name string, limit int64) ([]byte, error) {
	e, ok := a.contents[name]
	if !ok {
		return nil, fmt.Errorf("entry %q: %w", name, fs.ErrNotExist)
	}
	if e.size > limit {
		return nil, fmt.Errorf("entry %q: %w: has %d bytes, the limit is %d", name, ErrTooLarge, e.size, limit)
	}
	data := make([]byte, e.size)
	if _, err := a.file.ReadAt(data, e.offset); err != nil {
		return nil, fmt.Errorf("entry %q: %w", name, err)
	}
	return data, nil
}
