package daemon

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/bakelite/bakelite/internal/fault"
)

// rootless runs the daemon as root of a user namespace, by rootlesskit, with
// the machine's network and with PID and mount namespaces of its own.
func rootless(state, self string, serve []string) (*exec.Cmd, error) {
	kit, err := exec.LookPath("rootlesskit")
	if err == nil {
		_, err = exec.LookPath("newuidmap")
	}
	if err != nil {
		return nil, fault.Hint(fault.New(fault.Missing, "an own engine for an ordinary user needs rootlesskit and newuidmap: %w", err),
			"run: sudo apt-get install rootlesskit uidmap, or run bakelite as root")
	}
	args := []string{"--net=host", "--pidns", "--state-dir", filepath.Join(state, "rootlesskit"), self}
	daemon := exec.Command(kit, append(append(args, serve...), "--rootless")...)
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	// runc keeps its state there; /run is not this user's.
	daemon.Env = append(daemonEnv(os.LookupEnv), "XDG_RUNTIME_DIR="+runFolder(state))
	return daemon, nil
}

func runFolder(state string) string { return filepath.Join(state, "run") }

// freshRunFolder removes what runc noted of containers that ended with an
// earlier daemon.
func freshRunFolder(state string) error {
	if err := os.RemoveAll(runFolder(state)); err != nil {
		return err
	}
	return os.MkdirAll(runFolder(state), 0o700)
}
