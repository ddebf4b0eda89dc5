package audit

import (
	"context"
	"os"
	"time"
)

// SetWrite sets what puts lines on the disk, and returns what did before.
func (l *Log) SetWrite(write func(f *os.File, data []byte) error) (before func(*os.File, []byte) error) {
	before, l.write = l.write, write
	return before
}

// OpenBefore opens a log as [Open] does, and calls before as long as it is open before each step
// that changes something on the disk.
func OpenBefore(ctx context.Context, file string, o Options, before func() error) (*Log, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	o.Every = DefaultEvery
	l := newLog(file, o)
	l.steps.Before = before
	return l.open(ctx)
}
