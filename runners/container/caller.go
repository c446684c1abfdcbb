package container

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/profile/form"
)

// rootlessSpec is the spec for a caller who is not root: user 0 of a user
// namespace is the caller, which is all that one may map without help.
func rootlessSpec(p profile.Profile, rootfs, state string) *specs.Spec {
	s := form.Spec(p, profile.Identity{}, rootfs, state)
	s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
	s.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: uint32(os.Geteuid()), Size: 1}}
	s.Linux.GIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: uint32(os.Getegid()), Size: 1}}
	s.Linux.Resources, s.Process.User.AdditionalGids = nil, nil
	bindSys(s)
	return s
}

// bindSys shows this machine's /sys: a sysfs can be mounted only by the owner
// of its network.
func bindSys(s *specs.Spec) {
	s.Mounts = slices.DeleteFunc(s.Mounts, func(m specs.Mount) bool { return m.Destination == "/sys" || strings.HasPrefix(m.Destination, "/sys/") })
	s.Mounts = append(s.Mounts, specs.Mount{Destination: "/sys", Type: "none", Source: "/sys", Options: []string{"rbind", "nosuid", "noexec", "nodev", "ro"}})
}

// resolver is where a system's names are looked up.
const resolver = "/etc/resolv.conf"

// shareNetwork drops the network namespace. Names are looked up as this machine
// does, where the image has the file for it.
func shareNetwork(s *specs.Spec, rootfs string) {
	s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.NetworkNamespace })
	if exists(resolver) && exists(filepath.Join(rootfs, resolver)) {
		s.Mounts = append(s.Mounts, specs.Mount{Destination: resolver, Type: "bind", Source: resolver, Options: []string{"bind", "ro", "nosuid", "nodev", "noexec"}})
	}
}

// clampable are the limits of a profile that can be above this program's own,
// by their names in a spec.
var clampable = map[string]struct {
	number int
	what   string
}{
	"RLIMIT_AS":      {unix.RLIMIT_AS, "bytes of address space"},
	"RLIMIT_CPU":     {unix.RLIMIT_CPU, "seconds of processor time"},
	"RLIMIT_DATA":    {unix.RLIMIT_DATA, "bytes of data"},
	"RLIMIT_FSIZE":   {unix.RLIMIT_FSIZE, "bytes of one file"},
	"RLIMIT_LOCKS":   {unix.RLIMIT_LOCKS, "file locks"},
	"RLIMIT_MEMLOCK": {unix.RLIMIT_MEMLOCK, "bytes of locked memory"},
	"RLIMIT_NOFILE":  {unix.RLIMIT_NOFILE, "open files"},
	"RLIMIT_STACK":   {unix.RLIMIT_STACK, "bytes of stack"},
}

// clamp lowers what this program may not raise, and notes it.
func (r *Running) clamp(p *specs.Process) error {
	for i, l := range p.Rlimits {
		known, isKnown := clampable[l.Type]
		if !isKnown {
			continue
		}
		var own unix.Rlimit
		if err := unix.Getrlimit(known.number, &own); err != nil {
			return fmt.Errorf("reading the limit of %s: %w", known.what, err)
		}
		if own.Max < l.Hard {
			p.Rlimits[i].Hard, p.Rlimits[i].Soft = own.Max, min(own.Max, l.Soft)
			r.notes = append(r.notes, fmt.Sprintf("%s: limited to %d, as on this machine", known.what, own.Max))
		}
	}
	return r.clampScore(p)
}

// clampScore leaves a service that is started by one of the first to be ended
// where memory is short (proc(5), oom_score_adj) at that.
func (r *Running) clampScore(p *specs.Process) error {
	text, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return fmt.Errorf("reading the own place where memory is short: %w", err)
	}
	own, err := strconv.Atoi(string(bytes.TrimSpace(text)))
	if err != nil {
		return fmt.Errorf("reading the own place where memory is short: %w", err)
	}
	if own > *p.OOMScoreAdj {
		p.OOMScoreAdj = &own
		r.notes = append(r.notes, fmt.Sprintf("where memory is short it is ended earlier than others (%d), as this program", own))
	}
	return nil
}

// action is the kernel's struct sigaction.
type action struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

// unignore gives back their default action to signals that whoever started this
// program left ignored and that Go never handles (32 to 34): runc and the service
// would inherit it.
func unignore() error {
	const ignored = 1 // SIG_IGN
	for signal := uintptr(32); signal <= 34; signal++ {
		var a action
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, signal, 0, uintptr(unsafe.Pointer(&a)), unsafe.Sizeof(a.mask), 0, 0)
		if errno == 0 && a.handler == ignored {
			a = action{}
			_, _, errno = unix.RawSyscall6(unix.SYS_RT_SIGACTION, signal, uintptr(unsafe.Pointer(&a)), 0, unsafe.Sizeof(a.mask), 0, 0)
		}
		if errno != 0 {
			return fmt.Errorf("looking at what signal %d does: %w", signal, errno)
		}
	}
	return nil
}
