package profile

import (
	"cmp"
	"io/fs"
	"slices"

	"github.com/bakelite/bakelite/internal/app"
)

// Folder is a folder that the service may write to.
type Folder struct {
	Path string `json:"path"`
	// Mode are its permissions. It belongs to the service's user, or to root
	// where everybody may write to it.
	Mode fs.FileMode `json:"-"`
	// Bytes bounds what it holds in memory, which counts as the service's; it
	// is 0 where Lasts is set, and the folder has the room of its disk.
	Bytes int64 `json:"bytes,omitempty"`
	// Lasts says that it outlives the container and the boot.
	Lasts bool `json:"lasts,omitempty"`
	// Executable says that programs and libraries in it can be run.
	Executable bool `json:"executable,omitempty"`
}

// Shared says that the folder is everybody's.
func (f Folder) Shared() bool { return f.Mode&fs.ModeSticky != 0 }

// Private are the permissions of the service's own folders.
const Private = fs.FileMode(0o750)

// Shared are the folders that every service may write to, with their mode.
func shared() []string { return []string{"/tmp", "/var/tmp"} }

func folders(s app.Service) []Folder {
	size, executable := int64(s.Resources.Writable), slices.Contains(s.Allow, app.AllowExec)
	var all []Folder
	for _, path := range shared() {
		all = append(all, Folder{Path: path, Mode: fs.ModeSticky | 0o777, Bytes: size})
	}
	for _, path := range s.Writable {
		if !slices.Contains(shared(), path) {
			all = append(all, Folder{Path: path, Mode: Private, Bytes: size, Executable: executable})
		}
	}
	for _, path := range s.State {
		all = append(all, Folder{Path: path, Mode: Private, Lasts: true})
	}
	slices.SortFunc(all, func(a, b Folder) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

// Executable are the paths of the folders whose programs can be run.
func (p Profile) Executable() []string {
	var all []string
	for _, f := range p.Folders {
		if f.Executable {
			all = append(all, f.Path)
		}
	}
	return all
}

// Own are the paths of the folders that belong to the service's user.
func (p Profile) Own() []string {
	var all []string
	for _, f := range p.Folders {
		if !f.Shared() {
			all = append(all, f.Path)
		}
	}
	return all
}

// Hidden are files of the kernel that tell of, or reach into, the whole
// machine: those that Docker and containerd hide, and the names of the
// kernel's functions.
func Hidden() []string {
	return []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kallsyms", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
		"/sys/devices/virtual/powercap", "/sys/firmware",
	}
}
