package memo

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Clear removes the answers in a folder that were written before a time, or all when it is zero.
// Files that the memo did not write stay. It returns how many answers and bytes went, also when
// there is an error.
func Clear(dir string, before time.Time) (answers int, bytes int64, err error) {
	walkErr := filepath.WalkDir(dir, func(path string, d fs.DirEntry, walkErr error) error {
		if walkErr != nil || !isAnswer(path, d) {
			err = errors.Join(err, unlessGone(walkErr))
			return nil
		}
		info, infoErr := d.Info()
		if infoErr != nil || !before.IsZero() && !info.ModTime().Before(before) {
			err = errors.Join(err, unlessGone(infoErr))
			return nil
		}
		if removeErr := os.Remove(path); removeErr != nil {
			err = errors.Join(err, unlessGone(removeErr))
			return nil
		}
		answers++
		bytes += info.Size()
		return nil
	})
	return answers, bytes, errors.Join(err, walkErr)
}

// unlessGone returns no error for what another process has removed.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// isAnswer reports whether a file is one that the memo wrote, finished or not.
func isAnswer(path string, d fs.DirEntry) bool {
	parent := filepath.Base(filepath.Dir(path))
	if !d.Type().IsRegular() || !isHex(parent, 1) {
		return false
	}
	name := d.Name()
	return strings.HasPrefix(name, temporaryPrefix) || isHex(name, sha256.Size) && name[:2] == parent
}

func isHex(s string, bytes int) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == bytes
}
