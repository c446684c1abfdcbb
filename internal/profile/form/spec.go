// Package form writes the run profile in the forms that others read: the OCI
// runtime spec and image configuration, the machine's systemd unit, and what
// container engines and orchestrators take. All of them are pure, and say the
// same. Everybody above the leaves may import it.
package form

import (
	"fmt"
	"path"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/bakelite/bakelite/internal/profile"
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

// Spec is the OCI runtime spec of the profile for that user, on the root
// filesystem in the folder root.
func Spec(p profile.Profile, id profile.Identity, root string) *specs.Spec {
	return &specs.Spec{
		Version:  specVersion,
		Hostname: p.Name,
		Root:     &specs.Root{Path: root, Readonly: true},
		Process:  process(p, id),
		Mounts:   append(systemMounts(), folderMounts(p, id)...),
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace},
				{Type: specs.MountNamespace}, {Type: specs.NetworkNamespace},
			},
			Resources:     resources(p),
			Seccomp:       Seccomp(p),
			MaskedPaths:   maskedPaths(),
			ReadonlyPaths: readonlyPaths(),
		},
	}
}

func process(p profile.Profile, id profile.Identity) *specs.Process {
	return &specs.Process{
		User:            specs.User{UID: id.UID, GID: id.GID, AdditionalGids: id.Groups, Umask: umask()},
		Args:            p.Command,
		Env:             p.Environment,
		Cwd:             p.Dir,
		NoNewPrivileges: true,
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

func umask() *uint32 {
	mask := uint32(profile.Umask)
	return &mask
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
func folderMounts(p profile.Profile, id profile.Identity) []specs.Mount {
	var all []specs.Mount
	for _, f := range p.Folders {
		options := []string{"nosuid", "nodev", "noexec", fmt.Sprintf("size=%d", f.Bytes)}
		if f.Path == profile.Tmp {
			options = append(options, "mode=1777")
		} else {
			options = append(options, "mode=0755", fmt.Sprintf("uid=%d", id.UID), fmt.Sprintf("gid=%d", id.GID), "tmpcopyup")
		}
		all = append(all, specs.Mount{Destination: path.Clean(f.Path), Type: "tmpfs", Source: "tmpfs", Options: options})
	}
	return all
}

func resources(p profile.Profile) *specs.LinuxResources {
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
