package probe

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// beginPeak forgets the highest resident memory so far and returns what is resident, in bytes.
func beginPeak() (uint64, error) {
	// 5 resets the peak of the resident memory, see proc_pid_clear_refs(5).
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return 0, err
	}
	return resident()
}

// peakSince returns the highest resident memory above what was resident at beginPeak.
func peakSince(before uint64) (uint64, error) {
	highest, err := status("self", "VmHWM:")
	if err != nil {
		return 0, err
	}
	children := uint64(usage(unix.RUSAGE_CHILDREN).Maxrss) << 10
	return max(highest-min(before, highest), children), nil
}

func resident() (uint64, error) { return status("self", "VmRSS:") }

// residentOf returns the resident memory of another process, 0 when it is gone.
func residentOf(pid int) uint64 {
	n, err := status(strconv.Itoa(pid), "VmRSS:")
	if err != nil {
		return 0
	}
	return n
}

// status returns a size in bytes from /proc/PID/status.
func status(pid, key string) (uint64, error) {
	data, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(data) {
		fields := bytes.Fields(line)
		if len(fields) == 3 && string(fields[0]) == key {
			n, err := strconv.ParseUint(string(fields[1]), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%s/status has no %s", pid, key)
}
