package author

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/filelock"
)

// Clean removes what nothing leads to any more from the index in the folder dir: metadata and
// targets of earlier publications, as far as they were written before a time, and returns their
// paths relative to dir, in their order. A client that is under way may need what it was led to
// until then, and so may a mirror. Roots stay forever: clients go from one to the next. Files that
// no index has stay as well.
//
// The index is verified from a pinned root on, as [Open] does, so that no one has files removed
// that the published index needs. A dry run removes nothing. Modules are not looked at.
func Clean(ctx context.Context, dir string, pinned []byte, before time.Time, dryRun bool) ([]string, error) {
	var unused []string
	// Publishing takes files for granted that are there.
	err := filelock.With(filepath.Join(dir, filepath.FromSlash(timestampPath)), func() error {
		d, err := Open(ctx, dir, pinned)
		if err != nil {
			return err
		}
		used, err := d.used()
		if err != nil {
			return err
		}
		if unused, err = oldFiles(dir, used, before); err != nil || dryRun {
			return err
		}
		var problems []error
		for _, file := range unused {
			problems = append(problems, os.Remove(filepath.Join(dir, filepath.FromSlash(file))))
		}
		return errors.Join(problems...)
	})
	return unused, err
}

// used returns the files that the index consists of, except for roots.
func (d *Draft) used() (map[string]bool, error) {
	used := map[string]bool{timestampPath: true}
	// Also those of roles that nothing is delegated to any more: the snapshot names them forever.
	for file, meta := range d.snapshot.Signed.Meta {
		used[fmt.Sprintf("metadata/%d.%s", meta.Version, file)] = true
	}
	used[fmt.Sprintf("metadata/%d.snapshot.json", d.snapshot.Signed.Version)] = true
	targets, err := d.Files()
	for _, t := range targets {
		used["targets/"+t.Path] = true
	}
	return used, err
}

// oldFiles returns the files of an index that are older than a time and not in use.
func oldFiles(dir string, used map[string]bool, before time.Time) (old []string, err error) {
	for _, folder := range []string{"metadata", "targets"} {
		err := filepath.WalkDir(filepath.Join(dir, folder), func(name string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			relative, err := filepath.Rel(dir, name)
			if err != nil {
				return err
			}
			file := filepath.ToSlash(relative)
			info, err := e.Info()
			if err == nil && !used[file] && isOurs(file) && info.ModTime().Before(before) {
				old = append(old, file)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return old, nil
}

// isOurs reports whether a file has a name that this package gives: one with a version or a hash in
// front, or one that a killed process left. Roots and the timestamp have names that are used for
// ever.
func isOurs(file string) bool {
	folder, name := path.Split(file)
	if diskfile.IsTemporary(name) {
		return true
	}
	prefix, rest, _ := strings.Cut(name, ".")
	if folder == "metadata/" {
		version, err := strconv.ParseUint(prefix, 10, 63)
		return err == nil && version > 0 && rest != "root.json" && strings.HasSuffix(rest, ".json")
	}
	sum, err := hex.DecodeString(prefix)
	return err == nil && len(sum) == 32 && rest != ""
}
