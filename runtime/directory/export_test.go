package directory

// SetBefore sets what is called before each operation that changes the folder.
func (e *Executor) SetBefore(f func() error) { e.before = f }

// ParseOwn reads one of the executor's own files, by each of its parsers.
func ParseOwn(data []byte) (any, error) {
	if v, err := parseInventory(data); err == nil {
		return v, nil
	}
	if v, err := parseRevision("history/1", data); err == nil {
		return v, nil
	}
	return parsePending(data)
}
