package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// limitProcess makes the kernel end this process when it exceeds the budget, and lets others go
// first.
//
// RLIMIT_DATA counts what the process may write to and has for itself: unlike RLIMIT_AS not the
// address space that the Go runtime reserves and never uses.
func (b compileBudget) limitProcess() error {
	has, err := dataBytes()
	if err != nil {
		return fmt.Errorf("limits of the process: %w", err)
	}
	for _, l := range []struct {
		resource int
		soft     uint64
		hard     uint64
	}{
		{unix.RLIMIT_DATA, has + uint64(b.memory), has + uint64(b.memory)},
		// At the soft limit the process says why it ends.
		{unix.RLIMIT_CPU, uint64(b.seconds), uint64(b.seconds) + 1},
		{unix.RLIMIT_CORE, 0, 0},
	} {
		if err := lowerLimit(l.resource, l.soft, l.hard); err != nil {
			return fmt.Errorf("limits of the process: %w", err)
		}
	}
	// It is only a courtesy.
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, 5)
	return nil
}

// lowerLimit lowers a limit, unless it is low already.
func lowerLimit(resource int, soft, hard uint64) error {
	var l unix.Rlimit
	if err := unix.Getrlimit(resource, &l); err != nil {
		return err
	}
	l.Cur, l.Max = min(l.Cur, soft), min(l.Max, hard)
	return unix.Setrlimit(resource, &l)
}

// dataBytes returns what counts for RLIMIT_DATA: the sixth number of statm, in pages.
func dataBytes() (uint64, error) {
	const file = "/proc/self/statm"
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(text)
	if len(fields) < 6 {
		return 0, fmt.Errorf("%s has %d numbers", file, len(fields))
	}
	pages, err := strconv.ParseUint(string(fields[5]), 10, 64)
	return pages * uint64(os.Getpagesize()), err
}
