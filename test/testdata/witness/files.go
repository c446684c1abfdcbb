package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// executed is the argument of a copy that only shows that it can run.
const executed = "executed"

// files looks at what the kernel and the system show.
func (r report) files() {
	for _, name := range []string{
		"/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/loadavg", "/proc/kcore", "/proc/keys", "/proc/kallsyms", "/proc/kmsg", "/proc/timer_list",
		"/proc/interrupts", "/proc/self/mountinfo", "/proc/1/cmdline", "/proc/2/cmdline", "/proc/sys/kernel/osrelease", "/proc/sys/net/core/somaxconn",
		"/proc/net/dev", "/proc/sysrq-trigger", "/sys/class/net", "/sys/fs/cgroup", "/sys/firmware", "/sys/kernel/security", "/sys/kernel/debug",
		"/sys/devices/system/cpu/online", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/localtime", "/etc/passwd", "/etc/shadow", "/etc/machine-id", "/root", "/home",
		"/run/dbus/system_bus_socket", "/run/systemd/private", "/run/systemd/journal/socket", "/dev/log", "/var/log", "/boot",
	} {
		f, err := os.Open(name)
		if err == nil {
			if info, _ := f.Stat(); info.IsDir() {
				_, err = f.Readdirnames(1)
			} else {
				_, err = f.Read(make([]byte, 1))
			}
			f.Close()
		}
		r["read "+name] = outcome(err)
	}
	for _, name := range []string{"/", "/etc", "/usr/bin", "/srv", "/opt", "/var/lib", "/run", "/dev"} {
		_, err := os.Create(filepath.Join(name, "trace"))
		r["write below "+name] = outcome(err)
	}
	for _, name := range []string{"/proc/sys/kernel/domainname", "/proc/sys/net/core/somaxconn", "/proc/self/oom_score_adj", "/proc/self/comm"} {
		_, err := os.OpenFile(name, os.O_WRONLY, 0)
		r["write to "+name] = outcome(err)
	}
	devices, _ := os.ReadDir("/dev")
	for _, d := range devices {
		r["device "+d.Name()] = d.Type().String()
	}
	r["host name"], _ = os.Hostname()
	addresses, err := net.LookupHost("localhost")
	slices.Sort(addresses) // the order goes by what the kernel reaches
	r["address of localhost"] = fmt.Sprint(addresses, err != nil)
	processes, _ := filepath.Glob("/proc/[0-9]*")
	r["processes in sight"] = strconv.Itoa(len(processes))
}

// given looks at what is given at the start.
func (r report) given() {
	for _, dir := range []string{"/run/secrets", "/run/config"} {
		entries, err := os.ReadDir(dir)
		r["folder "+dir] = outcome(err)
		for _, e := range entries {
			name := filepath.Join(dir, e.Name())
			text, err := os.ReadFile(name)
			_, written := os.OpenFile(name, os.O_WRONLY, 0)
			r["given "+name] = fmt.Sprintf("%q %s, written to %s", text, outcome(err), outcome(written))
		}
	}
}

// folders looks at the writable folders: whose they are, and what goes there.
func (r report) folders(all []string) {
	for _, dir := range append(all, "/tmp", "/var/tmp", "/dev/shm") {
		var s unix.Stat_t
		var fs unix.Statfs_t
		if err := unix.Stat(dir, &s); err != nil {
			r["folder "+dir] = outcome(err)
			continue
		}
		_ = unix.Statfs(dir, &fs)
		r["folder "+dir] = fmt.Sprintf("%04o %d:%d", s.Mode&0o7777, s.Uid, s.Gid)
		r["folder "+dir+" flags"] = flags(fs.Flags)
		r["folder "+dir+" size"] = fmt.Sprintf("%d MiB", int64(fs.Blocks)*fs.Bsize>>20)
		entries, _ := os.ReadDir(dir)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		r["folder "+dir+" holds"] = strings.Join(names, " ")
		r["folder "+dir+" executes"] = outcome(executes(dir))
		r["folder "+dir+" takes"] = outcome(os.WriteFile(filepath.Join(dir, "kept"), nil, 0o600))
	}
}

func flags(bits int64) string {
	var all []string
	for _, flag := range []struct {
		name string
		bit  int64
	}{{"nodev", unix.ST_NODEV}, {"noexec", unix.ST_NOEXEC}, {"nosuid", unix.ST_NOSUID}, {"ro", unix.ST_RDONLY}} {
		if bits&flag.bit != 0 {
			all = append(all, flag.name)
		}
	}
	return strings.Join(all, " ")
}

// executes copies this program into a folder and starts it there.
func executes(dir string) error {
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	at := filepath.Join(dir, "witness")
	defer os.Remove(at)
	if err := os.WriteFile(at, program, 0o700); err != nil {
		return err
	}
	return exec.Command(at, executed).Run()
}
