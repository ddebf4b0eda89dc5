package probe

import (
	"errors"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// isolate starts the process in a group of its own, so that it can be killed with its children.
func isolate(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return unix.Kill(-c.Process.Pid, unix.SIGKILL) }
	// A child of the process may keep the pipes open.
	c.WaitDelay = time.Second
}

// kill kills a process and its children. It may be gone already.
func kill(pid int) { _ = unix.Kill(-pid, unix.SIGKILL) }

// exitedByItself reports whether a process ended with an exit code and not by a signal.
func exitedByItself(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.Exited()
}

// limitCPU ends this process when it has used so much processor time, in whole seconds.
func limitCPU(d time.Duration) error {
	seconds := uint64(max(d/time.Second, 1))
	return unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: seconds, Max: seconds})
}

// cpuTime returns the processor time of this process and of its children that have ended.
func cpuTime() time.Duration {
	var sum time.Duration
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		u := usage(who)
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}

// usage returns what the system counts. It does not fail for the values that it is called with.
func usage(who int) (u unix.Rusage) {
	_ = unix.Getrusage(who, &u)
	return u
}
