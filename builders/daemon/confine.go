package daemon

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// Confine is the first process of the engine's own PID and mount namespaces.
// It runs the daemon as its child, passes signals on and reaps what the
// daemon's builds leave behind. When it ends, the kernel ends every process
// and every mount of the engine with it, however the end came.
func Confine(argv []string) (int, error) {
	if os.Getpid() != 1 || len(argv) == 0 {
		return 1, errors.New("only the engine's start may confine a program")
	}
	if err := ownMounts(); err != nil {
		return 1, err
	}
	daemon := exec.Command(argv[0], argv[1:]...)
	daemon.Stdin, daemon.Stdout, daemon.Stderr = os.Stdin, os.Stdout, os.Stderr
	daemon.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := daemon.Start(); err != nil {
		return 1, fmt.Errorf("starting daemon: %w", err)
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for s := range signals {
			_ = daemon.Process.Signal(s)
		}
	}()
	return reapUntil(daemon.Process.Pid)
}

// runcState is where runc notes the containers that run (runc(8), --root).
const runcState = "/run/runc"

// ownMounts keeps mounts made here from the machine, shows the processes of
// this namespace alone, and lets runc's notes end with the namespace.
func ownMounts() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("proc", "/proc", "proc", flags, ""); err != nil {
		return fmt.Errorf("mounting proc: %w", err)
	}
	if err := os.MkdirAll(runcState, 0o700); err != nil {
		return fmt.Errorf("making runc's folder: %w", err)
	}
	if err := unix.Mount("tmpfs", runcState, "tmpfs", flags, "mode=0700"); err != nil {
		return fmt.Errorf("mounting runc's folder: %w", err)
	}
	return nil
}

// reapUntil waits for every child until that of the given pid has ended, and
// returns its exit code.
func reapUntil(pid int) (int, error) {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 1, fmt.Errorf("waiting for daemon: %w", err)
		case got == pid && (status.Exited() || status.Signaled()):
			return status.ExitStatus(), nil
		}
	}
}
