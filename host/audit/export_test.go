package audit

import "os"

// SetWrite sets what puts lines on the disk, and returns what did before.
func (l *Log) SetWrite(write func(f *os.File, data []byte) error) (before func(*os.File, []byte) error) {
	before, l.write = l.write, write
	return before
}
