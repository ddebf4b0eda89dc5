package diskfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Batch writes files to which nothing leads yet, and makes all of them durable at once, which takes
// a disk about as long as one. Until [Batch.Sync] has returned, a crash of the machine may leave
// files that are empty or cut short under their names: who begins again must compare what is there.
// A killed process leaves whole files, as those of [Replace]. Its methods may be called from
// several goroutines.
type Batch struct {
	mu    sync.Mutex
	files []string
}

// Replace is the function of this name, but that the file is not durable yet.
func (b *Batch) Replace(path string, data []byte, mode fs.FileMode) error {
	b.Keep(path)
	return Steps{}.place(path, data, mode, os.Rename, func(*os.File) error { return nil })
}

// Keep has a file become durable that is there already: another batch may have written it that was
// never synced.
func (b *Batch) Keep(path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.files = append(b.files, path)
}

// MkdirAll makes a folder and those above it that are missing.
func (b *Batch) MkdirAll(dir string) error {
	for missing := dir; ; missing = filepath.Dir(missing) {
		if _, err := os.Stat(missing); !errors.Is(err, fs.ErrNotExist) || missing == filepath.Dir(missing) {
			break
		}
		b.Keep(missing)
	}
	return os.MkdirAll(dir, 0o755)
}

// few is how many files are synced one by one. To sync a file system waits for what all other
// programs wrote, too.
const few = 64

// syncers is how many files are synced at once.
const syncers = 16

// Sync makes the files durable. Afterwards the batch is empty.
func (b *Batch) Sync() error {
	b.mu.Lock()
	files := b.files
	b.files = nil
	b.mu.Unlock()
	folders := map[string]bool{}
	for _, file := range files {
		folders[filepath.Dir(file)] = true
	}
	if len(files) > few {
		if done, err := syncFileSystems(folders); done || err != nil {
			return err
		}
	}
	var group errgroup.Group
	group.SetLimit(syncers)
	for _, file := range files {
		group.Go(func() error { return syncPath(file) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for folder := range folders {
		group.Go(func() error { return syncPath(folder) })
	}
	return group.Wait()
}
