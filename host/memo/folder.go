package memo

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"
)

// folder keeps answers as files: the key, the SHA-256 of the answer, and the answer. The key is in
// the name too; that it is in the file shows a file that was moved or copied to another name.
type folder struct {
	dir string
	// written counts the files since the folder was last tidied.
	written atomic.Int64
}

// tidyEvery is how many files are written between two looks at how many there are.
const tidyEvery = 500

const headerBytes = 2 * sha256.Size

// temporaryPrefix begins the names of files that are not finished.
const temporaryPrefix = ".tmp-"

func (f *folder) path(k key) string {
	name := k.String()
	return filepath.Join(f.dir, name[:2], name)
}

// read returns the answer, or nil if none exists that can be trusted to be whole.
func (f *folder) read(k key) []byte {
	if f.dir == "" {
		return nil
	}
	file, err := os.Open(f.path(k))
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, headerBytes+maxFileBytes+1))
	if err != nil || len(data) < headerBytes || len(data) > headerBytes+maxFileBytes {
		return nil
	}
	answer := data[headerBytes:]
	sum := sha256.Sum256(answer)
	if !bytes.Equal(data[:sha256.Size], k[:]) || !bytes.Equal(data[sha256.Size:headerBytes], sum[:]) {
		return nil
	}
	return answer
}

// write keeps an answer. Errors are dropped: the answer is computed again next time.
func (f *folder) write(k key, answer []byte) {
	if f.dir == "" {
		return
	}
	path := f.path(k)
	if os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	sum := sha256.Sum256(answer)
	if !replace(path, slices.Concat(k[:], sum[:], answer)) {
		return
	}
	if f.written.Add(1)%tidyEvery == 0 {
		f.tidy()
	}
}

// replace writes a file under another name first. It is not synced: a file that a crash cuts short
// is recognised.
func replace(path string, data []byte) bool {
	temporary, err := os.CreateTemp(filepath.Dir(path), temporaryPrefix+"*")
	if err != nil {
		return false
	}
	_, err = temporary.Write(data)
	if closeErr := temporary.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
	}
	return err == nil
}

// tidy removes the oldest files beyond the bound.
func (f *folder) tidy() {
	type kept struct {
		path string
		at   time.Time
	}
	var all []kept
	_ = filepath.WalkDir(f.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, infoErr := d.Info(); infoErr == nil {
				all = append(all, kept{path, info.ModTime()})
			}
		}
		return nil
	})
	if len(all) <= maxFiles {
		return
	}
	slices.SortFunc(all, func(a, b kept) int { return a.at.Compare(b.at) })
	for _, old := range all[:len(all)-maxFiles] {
		_ = os.Remove(old.path)
	}
}
