//go:build !linux

package probe

import "golang.org/x/sys/unix"

// beginPeak returns the highest resident memory so far in bytes: it cannot be forgotten here.
func beginPeak() (uint64, error) { return resident() }

// peakSince returns how much the highest resident memory has grown.
func peakSince(before uint64) (uint64, error) {
	now, err := resident()
	return max(now-min(before, now), uint64(usage(unix.RUSAGE_CHILDREN).Maxrss)), err
}

func resident() (uint64, error) { return uint64(usage(unix.RUSAGE_SELF).Maxrss), nil }

// residentOf is not known here, so memory is bounded by the machine only.
func residentOf(int) uint64 { return 0 }
