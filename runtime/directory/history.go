package directory

import (
	"path"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/runtime/history"
)

// Where the history is: what package history calls its folders, below the executor's own.
const (
	historyFolder = ownFolder + "/history"
	bundleFolder  = ownFolder + "/bundles"
)

// history returns the history of a set in the folder. Every value that it keeps is durable.
func (s *session) history(set string) *history.History {
	return history.Open(&values{disk: s.disk, durable: true}, set)
}

// values are the values of a history, each in a file of its own below the executor's own folder.
type values struct {
	disk *disk
	// durable has each value on the disk when it is put; else unsynced has the names of the files
	// that are still to be synced.
	durable  bool
	unsynced []string
}

var _ history.Store = (*values)(nil)

// List implements history.Store.
func (v *values) List(folder string) ([]string, error) {
	return v.disk.list(path.Join(ownFolder, folder))
}

// Get implements history.Store.
func (v *values) Get(name string) ([]byte, error) {
	return v.disk.read(path.Join(ownFolder, name), bundle.MaxBytes)
}

// Put implements history.Store.
func (v *values) Put(name string, value []byte) error {
	file := path.Join(ownFolder, name)
	if v.durable {
		return v.disk.replace(stagedFolder+"/own", file, value)
	}
	v.unsynced = append(v.unsynced, file)
	return v.disk.write(file, value, ownMode)
}

// Delete implements history.Store.
func (v *values) Delete(name string) error { return v.disk.remove(path.Join(ownFolder, name)) }
