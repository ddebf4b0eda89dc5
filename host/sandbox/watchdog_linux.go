package sandbox

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// processMemory returns how much memory of the process is resident, in bytes: the second number of
// /proc/self/statm, in pages, see proc_pid_statm(5).
func processMemory() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return goMemory()
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return goMemory()
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return goMemory()
	}
	return pages * uint64(os.Getpagesize())
}

// availableMemory returns the memory of the machine, or what the control group of the process
// allows if that is less.
func availableMemory() uint64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return min(info.Totalram*uint64(info.Unit), groupLimit("/proc/self/cgroup", "/sys/fs/cgroup"))
}

// groupLimit returns the least limit of a control group of version 2 and of those that it is in,
// see the kernel's Documentation/admin-guide/cgroup-v2.rst, memory.max. Without one it is as large
// as can be.
func groupLimit(membership, root string) uint64 {
	least := ^uint64(0)
	text, err := os.ReadFile(membership)
	if err != nil {
		return least
	}
	_, group, found := strings.Cut("\n"+string(text), "\n0::")
	if !found {
		return least
	}
	group, _, _ = strings.Cut(group, "\n")
	for dir := filepath.Clean("/" + group); ; dir = filepath.Dir(dir) {
		most, err := os.ReadFile(filepath.Join(root, dir, "memory.max"))
		if limit, bad := strconv.ParseUint(strings.TrimSpace(string(most)), 10, 64); err == nil && bad == nil {
			least = min(least, limit)
		}
		if dir == "/" {
			return least
		}
	}
}
