package sandbox_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/scan/sandbox"
)

// all asks the shut-in process for every call that must be refused.
const all = "all"

// try makes one system call, or all that must be refused; it returns what was
// not refused.
func try(name string) []string {
	if name == all {
		return append(unknown(), misused()...)
	}
	_, _, e := syscall.Syscall6(uintptr(numbers()[name]), 0, 0, 0, 0, 0, 0)
	return []string{fmt.Sprintf("%s: %v", name, e)}
}

func numbers() map[string]int {
	info, err := arch.GetInfo("")
	if err != nil {
		panic(err)
	}
	return info.SyscallNames
}

// unknown makes all calls that the filter does not name, with arguments that
// the kernel could make no sense of.
func unknown() (passed []string) {
	const bad = ^uintptr(0)
	for name, number := range numbers() {
		// Without a filter the first would not return, or return twice; the
		// last are traps of the kernel for itself.
		if slices.Contains([]string{"fork", "vfork", "pause", "rt_sigsuspend", "uprobe", "uretprobe"}, name) || slices.Contains(sandbox.Known(), name) {
			continue
		}
		if _, _, e := syscall.Syscall6(uintptr(number), bad, bad, bad, bad, bad, bad); e != unix.EPERM {
			passed = append(passed, fmt.Sprintf("%s: %v", name, e))
		}
	}
	return passed
}

// misused makes calls that are needed, in forms that are not, and those of
// the other ABI of amd64.
func misused() (passed []string) {
	memory, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return []string{err.Error()}
	}
	tries := map[string]func() error{
		"map code": func() error {
			_, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
			return err
		},
		"make memory code": func() error { return unix.Mprotect(memory, unix.PROT_READ|unix.PROT_EXEC) },
		"start a process":  start,
		"name a thread":    func() error { return unix.Prctl(unix.PR_SET_NAME, 0, 0, 0, 0) },
		"type for others":  func() error { return unix.IoctlSetPointerInt(0, unix.TIOCSTI, 0) },
		"kill":             func() error { return unix.Kill(os.Getpid(), 0) },
	}
	for name, family := range map[string]int{"inet": unix.AF_INET, "unix": unix.AF_UNIX, "netlink": unix.AF_NETLINK, "packet": unix.AF_PACKET, "alg": unix.AF_ALG, "vsock": unix.AF_VSOCK} {
		tries["socket "+name] = func() error { _, err := unix.Socket(family, unix.SOCK_DGRAM, 0); return err }
	}
	for name, f := range tries {
		if err := f(); !errors.Is(err, unix.EPERM) {
			passed = append(passed, fmt.Sprintf("%s: %v", name, err))
		}
	}
	const x32 = 0x40000000
	if _, _, e := syscall.RawSyscall(x32|unix.SYS_GETPID, 0, 0, 0); e == 0 {
		passed = append(passed, "x32")
	}
	return passed
}

// start starts a process.
func start() error {
	_, err := syscall.ForkExec("/roots/0", []string{"program"}, &syscall.ProcAttr{})
	return err
}

// TestHostileCalls has the shut-in process try each call that only somebody
// who took it over would make: it ends there.
func TestHostileCalls(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	tried := 0
	for _, name := range sandbox.Hostile() {
		if _, ok := numbers()[name]; !ok {
			continue
		}
		tried++
		out, err := caller(t, 0, 0o644, name).CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("bad system call")) {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
	if tried < 70 {
		t.Errorf("only %d calls were tried", tried)
	}
}

// TestOtherCalls has it try all that the filter does not name.
func TestOtherCalls(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	cmd := caller(t, 0, 0o644, all)
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	var s seen
	if err != nil || json.Unmarshal(out, &s) != nil || s.Error != "" {
		t.Fatalf("%v: %s%s", err, out, words.Bytes())
	}
	if len(s.Passed) > 0 {
		t.Errorf("these were not refused: %s", strings.Join(s.Passed, "\n"))
	}
}

// TestNamesOfCalls finds names that no architecture has, and calls that Go's
// runtime cannot do without.
func TestNamesOfCalls(t *testing.T) {
	amd64, arm64 := arch.X86_64.SyscallNames, arch.AARCH64.SyscallNames
	names := sandbox.Known()
	for _, name := range names {
		_, one := amd64[name]
		if _, two := arm64[name]; !one && !two {
			t.Errorf("no architecture has %s", name)
		}
	}
	for _, name := range []string{"futex", "mmap", "munmap", "madvise", "clone", "tgkill", "rt_sigreturn", "sigaltstack", "epoll_pwait", "openat", "exit_group", "prctl", "mprotect", "ioctl"} {
		if _, ok := arm64[name]; !ok || !slices.Contains(names, name) {
			t.Errorf("arm64 lacks %s", name)
		}
	}
}

// TestWithoutSeccomp has a kernel that makes no filters, as far as the
// scanner can tell.
func TestWithoutSeccomp(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	cmd := caller(t, 0, 0o644, "")
	cmd.Env = append(cmd.Env, "CELL_NO_SECCOMP=1")
	out, err := cmd.Output()
	var s seen
	if err != nil || json.Unmarshal(out, &s) != nil || !strings.Contains(s.Error, "filtering system calls") || s.Hint == "" || s.Content != "" {
		t.Errorf("%v: %s", err, out)
	}
}

// refuseSeccomp makes this process, and all that it starts, take the kernel
// for one without filters.
func refuseSeccomp() error {
	return seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionAllow, Syscalls: []seccomp.SyscallGroup{{Action: seccomp.ActionErrno, Names: []string{"seccomp"}}},
	}})
}
