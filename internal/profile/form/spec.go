// Package form writes the run profile in the forms that others read: the OCI
// runtime spec and image configuration, the machine's systemd unit, and what
// container engines and orchestrators take. All of them are pure, and say the
// same. Everybody above the leaves may import it.
package form

import (
	"fmt"
	"io/fs"
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
)

// Spec is the OCI runtime spec of the profile for that user, on the root
// filesystem in the folder root. What lasts lies in state, in a folder for each;
// see Lasting.
func Spec(p profile.Profile, id profile.Identity, root, state string) *specs.Spec {
	return &specs.Spec{
		Version:  specVersion,
		Hostname: p.Name,
		Root:     &specs.Root{Path: root, Readonly: true},
		Process:  process(p, id),
		Mounts:   append(systemMounts(p), folderMounts(p, id, state)...),
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace},
				{Type: specs.MountNamespace}, {Type: specs.NetworkNamespace}, {Type: specs.CgroupNamespace},
			},
			Resources:     resources(p),
			Seccomp:       Seccomp(p),
			MaskedPaths:   profile.Hidden(),
			ReadonlyPaths: readonlyPaths(),
		},
	}
}

func process(p profile.Profile, id profile.Identity) *specs.Process {
	return &specs.Process{
		User:            specs.User{UID: id.UID, GID: id.GID, AdditionalGids: append([]uint32{id.GID}, id.Groups...), Umask: umask()},
		Args:            p.Command,
		Env:             p.Environment,
		Cwd:             p.Dir,
		NoNewPrivileges: true,
		Capabilities: &specs.LinuxCapabilities{
			Bounding: p.Capabilities, Effective: p.Capabilities, Inheritable: p.Capabilities,
			Permitted: p.Capabilities, Ambient: p.Capabilities,
		},
		Rlimits:     rlimits(p),
		OOMScoreAdj: new(int),
	}
}

func rlimits(p profile.Profile) []specs.POSIXRlimit {
	var all []specs.POSIXRlimit
	for _, l := range p.Limits() {
		all = append(all, specs.POSIXRlimit{Type: "RLIMIT_" + l.Name, Hard: l.Hard, Soft: l.Soft})
	}
	return all
}

func umask() *uint32 {
	mask := uint32(profile.Umask)
	return &mask
}

func systemMounts(p profile.Profile) []specs.Mount {
	return []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "noexec", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", fmt.Sprintf("size=%d", p.SharedMemory)}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
		// By it programs learn of their limits, as Java does for its heap.
		{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
	}
}

// folderMounts copy the image's own content of each folder in memory into it
// (tmpcopyup).
func folderMounts(p profile.Profile, id profile.Identity, state string) []specs.Mount {
	var all []specs.Mount
	for _, f := range p.Folders {
		m := specs.Mount{Destination: f.Path, Options: []string{"rw", "nosuid", "nodev", execution(f.Executable)}}
		if f.Lasts {
			m.Type, m.Source, m.Options = "bind", Lasting(state, f), append(m.Options, "bind")
			all = append(all, m)
			continue
		}
		m.Type, m.Source = "tmpfs", "tmpfs"
		m.Options = append(m.Options, fmt.Sprintf("size=%d", f.Bytes), "mode="+octal(f.Mode), "tmpcopyup")
		if !f.Shared() {
			m.Options = append(m.Options, fmt.Sprintf("uid=%d", id.UID), fmt.Sprintf("gid=%d", id.GID))
		}
		all = append(all, m)
	}
	return all
}

// execution is the option of a mount that says whether programs in it run.
func execution(allowed bool) string {
	if allowed {
		return "exec"
	}
	return "noexec"
}

// Lasting is where a folder that lasts lies below the folder state.
func Lasting(state string, f profile.Folder) string { return path.Join(state, f.Path) }

// octal are permissions as mount(8) and systemd write them.
func octal(mode fs.FileMode) string {
	bits := mode.Perm()
	if mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return fmt.Sprintf("%04o", uint32(bits))
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

// readonlyPaths are those that Docker and containerd keep from being written.
func readonlyPaths() []string {
	return []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
}
