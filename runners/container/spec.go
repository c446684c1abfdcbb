package container

import (
	"fmt"
	"path"

	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

const (
	// specVersion is the oldest runtime spec that has every field used here,
	// so that an old runc takes it.
	specVersion = "1.0.2"
	// cpuPeriod is the kernel's default period of a CPU quota in microseconds.
	cpuPeriod = 100000
	// sharedMemory is the size of /dev/shm.
	sharedMemory = "16m"
)

// Identity is the service's user as numbers, from the image's own passwd.
type Identity struct {
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups,omitempty"`
}

// Spec is the OCI runtime spec of the profile for that user, on the root
// filesystem in the folder root. It is pure and holds no seccomp profile, as
// that depends on the kernel; see withSeccomp.
func (p Profile) Spec(id Identity, root string) *specs.Spec {
	return &specs.Spec{
		Version:  specVersion,
		Hostname: p.Name,
		Root:     &specs.Root{Path: root, Readonly: p.ReadOnlyRoot},
		Process:  p.process(id),
		Mounts:   append(systemMounts(), p.folderMounts(id)...),
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace},
				{Type: specs.MountNamespace}, {Type: specs.NetworkNamespace},
			},
			Resources:     p.resources(),
			MaskedPaths:   maskedPaths(),
			ReadonlyPaths: readonlyPaths(),
		},
	}
}

func (p Profile) process(id Identity) *specs.Process {
	return &specs.Process{
		User:            specs.User{UID: id.UID, GID: id.GID, AdditionalGids: id.Groups},
		Args:            p.Command,
		Env:             p.Environment,
		Cwd:             p.Dir,
		NoNewPrivileges: p.NoNewPrivileges,
		Capabilities: &specs.LinuxCapabilities{
			Bounding: p.Capabilities, Effective: p.Capabilities, Inheritable: p.Capabilities,
			Permitted: p.Capabilities, Ambient: p.Capabilities,
		},
		Rlimits: []specs.POSIXRlimit{
			{Type: "RLIMIT_CORE", Hard: 0, Soft: 0},
			{Type: "RLIMIT_NOFILE", Hard: p.OpenFiles, Soft: p.OpenFiles},
		},
	}
}

func systemMounts() []specs.Mount {
	return []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=" + sharedMemory}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
	}
}

// folderMounts copy the image's own content of each folder into it
// (tmpcopyup); /tmp starts empty and is sticky.
func (p Profile) folderMounts(id Identity) []specs.Mount {
	var all []specs.Mount
	for _, f := range p.Writable {
		options := []string{"nosuid", "nodev", "noexec", fmt.Sprintf("size=%d", f.Bytes)}
		if f.Path == tmp {
			options = append(options, "mode=1777")
		} else {
			options = append(options, "mode=0755", fmt.Sprintf("uid=%d", id.UID), fmt.Sprintf("gid=%d", id.GID), "tmpcopyup")
		}
		all = append(all, specs.Mount{Destination: path.Clean(f.Path), Type: "tmpfs", Source: "tmpfs", Options: options})
	}
	return all
}

func (p Profile) resources() *specs.LinuxResources {
	r := &specs.LinuxResources{
		Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}},
		Pids:    &specs.LinuxPids{Limit: &p.PIDs},
	}
	if p.Memory > 0 {
		r.Memory = &specs.LinuxMemory{Limit: &p.Memory, Swap: &p.Memory}
	}
	if p.CPUs > 0 {
		quota, period := int64(p.CPUs*cpuPeriod), uint64(cpuPeriod)
		r.CPU = &specs.LinuxCPU{Quota: &quota, Period: &period}
	}
	return r
}

// withSeccomp adds the allow-list that Docker applies, for this kernel: what
// it does not name is denied.
func withSeccomp(s *specs.Spec) error {
	profile, err := seccomp.GetDefaultProfile(s)
	if err != nil {
		return fmt.Errorf("making the seccomp profile: %w", err)
	}
	s.Linux.Seccomp = profile
	return nil
}

// maskedPaths and readonlyPaths are those that Docker and containerd mask:
// files of the kernel that tell of, or reach into, the whole machine.
func maskedPaths() []string {
	return []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
		"/sys/devices/virtual/powercap", "/sys/firmware",
	}
}

func readonlyPaths() []string {
	return []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
}
