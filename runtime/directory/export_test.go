package directory

import "github.com/latticenet/lattice-host/runtime/history"

// SetBefore sets what is called before each operation that changes the folder.
func (e *Executor) SetBefore(f func() error) { e.before = f }

// ParseOwn reads one of the executor's own files, by each of its parsers.
func ParseOwn(data []byte) (any, error) {
	if v, err := parseInventory(data); err == nil {
		return v, nil
	}
	if v, err := history.ParseEntry("history/1", data); err == nil {
		return v, nil
	}
	return parsePending(data)
}
