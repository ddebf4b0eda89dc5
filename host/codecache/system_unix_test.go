//go:build unix

package codecache

import (
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func makePipe(path string) error { return unix.Mkfifo(path, 0o600) }

// ownedInfo is a file with an owner of the test's choice.
type ownedInfo struct {
	os.FileInfo
	sys any
}

func (f ownedInfo) Sys() any { return f.sys }

func TestOwnedByUser(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if !ownedByUser(info) {
		t.Error("a folder of the user is not the user's")
	}
	if ownedByUser(ownedInfo{info, &syscall.Stat_t{Uid: uint32(os.Geteuid()) + 1}}) {
		t.Error("a folder of another user is the user's")
	}
	if ownedByUser(ownedInfo{info, nil}) {
		t.Error("a folder without an owner counts as the user's")
	}
}
