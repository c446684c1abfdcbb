package stepnet

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
)

// inNamespace says that this process is the one that runs the tests.
const inNamespace = "STEPNET_TEST_IN_NAMESPACE"

// TestMain runs the tests in a network namespace of their own, where they may
// give themselves any address.
func TestMain(m *testing.M) {
	if os.Getenv(inNamespace) != "" {
		if err := addresses(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	err := again(os.Args[1:], os.Geteuid(), nil).Run()
	exit := (*exec.ExitError)(nil)
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "a network namespace for the tests:", err)
		os.Exit(1)
	}
}

// again starts this program in new namespaces; as another user than root it
// gets a user namespace too.
func again(args []string, uid int, env []string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(append(os.Environ(), inNamespace+"=1"), env...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 0, Gid: 0, NoSetGroups: true}
	}
	return cmd
}

// What stands at these addresses in the tests' namespace.
const (
	public   = "93.184.216.34"
	private  = "10.9.8.7"
	metadata = "169.254.169.254"
	public6  = "2606:4700::1111"
)

func addresses() error {
	lo, err := up("lo")
	if err != nil {
		return err
	}
	for _, a := range []string{public + "/32", private + "/32", metadata + "/32", public6 + "/128"} {
		parsed, err := netlink.ParseAddr(a)
		if err == nil {
			err = netlink.AddrAdd(lo, parsed)
		}
		if err != nil {
			return fmt.Errorf("adding %s: %w", a, err)
		}
	}
	return nil
}
