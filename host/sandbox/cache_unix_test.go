//go:build unix

package sandbox

import (
	"os"
	"syscall"
	"testing"
)

func TestOwnedByUser(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if !ownedByUser(info) {
		t.Error("a folder of the user is not the user's")
	}
	if ownedByUser(fakeInfo{info, &syscall.Stat_t{Uid: uint32(os.Geteuid()) + 1}}) {
		t.Error("a folder of another user is the user's")
	}
	if ownedByUser(fakeInfo{info, nil}) {
		t.Error("a folder of nobody is the user's")
	}
}
