package acceptance

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// cutOff says that this process is alone in a network of its own, and is to run what its arguments
// say.
const cutOff = "LATTICE_TEST_CUT_OFF"

func TestMain(m *testing.M) {
	if os.Getenv(cutOff) == "" {
		os.Exit(m.Run())
	}
	fmt.Fprintln(os.Stderr, execCutOff(os.Args[1:]))
	os.Exit(1)
}

// execCutOff becomes a program that reaches its own machine, which tests of servers need, and no
// other.
func execCutOff(args []string) error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	loopback, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	loopback.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, loopback); err != nil {
		return err
	}
	interfaces, err := net.Interfaces()
	if err != nil || len(interfaces) != 1 || interfaces[0].Flags&net.FlagLoopback == 0 {
		return errors.Join(errors.New("there is a network besides the machine's own"), err)
	}
	program, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	if err := os.Unsetenv(cutOff); err != nil {
		return err
	}
	return unix.Exec(program, args, os.Environ())
}

// TestRow67_Offline runs tests where there is no network, and so neither a cluster nor a registry:
// those of the contract, of the plugins and of the executors, and at night all of the repository.
func TestRow67_Offline(t *testing.T) {
	t.Parallel()
	tests := []string{"-short", "./host/conformance", "./plugins/...", "./runtime/..."}
	if os.Getenv("CI") == "night" {
		tests = []string{"-timeout=1h", "./..."}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, append([]string{"go", "test", "-count=1"}, tests...)...)
	c.Dir = root
	// Without the night, or this test would run itself without end.
	c.Env = append(os.Environ(), cutOff+"=1", "GOPROXY=off", "CI=")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		// The loopback device is switched on with it.
		c.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN}
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	}
	said, err := c.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("this machine makes no networks: %v", err)
	case err != nil || !strings.Contains(string(said), "\nok  "):
		t.Errorf("%v\n%s", err, said)
	}
}
