// Package container runs a container image from an OCI layout under runc, the
// way its run profile says, and tests it. The run profile is derived from the
// app file alone: the same data makes the OCI runtime spec, the flags of
// docker and podman and the fields of Kubernetes. The package refuses to run
// as root, to leave a capability that no port needs, to unpack outside its
// folder and to leave anything behind.
package container

import (
	"fmt"
	"sort"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
)

const (
	// folderSize bounds each writable folder; what is in it also counts
	// against the service's memory.
	folderSize = 64 << 20
	// firstFreePort is the first port that needs no capability (Linux
	// net.ipv4.ip_unprivileged_port_start).
	firstFreePort = 1024
	// bindService is the one capability that a run profile can hold.
	bindService = "CAP_NET_BIND_SERVICE"
	// tmp is writable in every container.
	tmp = "/tmp"
)

// Profile is how a container of an app is meant to run.
type Profile struct {
	Name        string   `json:"name"`
	User        string   `json:"user"`
	Command     []string `json:"command"`
	Environment []string `json:"environment,omitempty"` // NAME=value, sorted
	Dir         string   `json:"dir"`
	// ReadOnlyRoot and NoNewPrivileges are always true.
	ReadOnlyRoot    bool `json:"readOnlyRoot"`
	NoNewPrivileges bool `json:"noNewPrivileges"`
	// Writable are tmpfs folders, sorted by path.
	Writable []Folder `json:"writable"`
	// Capabilities are those kept; all others are dropped.
	Capabilities []string `json:"capabilities"`
	// Ports are written "8080/tcp".
	Ports []string `json:"ports,omitempty"`
	// Memory is bytes, zero for no limit.
	Memory int64 `json:"memory,omitempty"`
	// CPUs is a number of processors, zero for no limit.
	CPUs float64 `json:"cpus,omitempty"`
	// PIDs is the largest number of processes and threads.
	PIDs int64 `json:"pids"`
	// OpenFiles is the limit of open files of one process.
	OpenFiles uint64 `json:"openFiles"`
}

// Folder is a writable folder in memory.
type Folder struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

// ProfileOf derives the run profile; it is pure.
func ProfileOf(a app.App) Profile {
	s := a.Service
	p := Profile{
		Name: a.Name, User: s.User, Command: s.Command, Dir: s.Dir,
		ReadOnlyRoot: true, NoNewPrivileges: true,
		Capabilities: capabilities(s.Ports), Writable: folders(s.Writable),
		Memory: int64(s.Resources.Memory), CPUs: s.Resources.CPUs, PIDs: int64(s.Resources.PIDs),
		OpenFiles: app.MaxOpenFiles,
	}
	if p.Dir == "" {
		p.Dir = "/"
	}
	if p.PIDs <= 0 {
		p.PIDs = app.DefaultPIDs
	}
	for name, value := range s.Environment {
		p.Environment = append(p.Environment, name+"="+value)
	}
	sort.Strings(p.Environment)
	for _, port := range s.Ports {
		p.Ports = append(p.Ports, fmt.Sprintf("%d/%s", port.Number, protocol(port)))
	}
	return p
}

func protocol(p app.Port) string {
	if p.Protocol == "" {
		return "tcp"
	}
	return p.Protocol
}

func capabilities(ports []app.Port) []string {
	for _, p := range ports {
		if p.Number < firstFreePort {
			return []string{bindService}
		}
	}
	return []string{}
}

func folders(writable []string) []Folder {
	seen := map[string]bool{tmp: true}
	all := []Folder{{tmp, folderSize}}
	for _, path := range writable {
		if !seen[path] {
			seen[path] = true
			all = append(all, Folder{path, folderSize})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Path < all[j].Path })
	return all
}

// refused are mount points that a writable folder would take apart.
var refused = map[string]bool{"/": true, "/proc": true, "/sys": true, "/dev": true}

// check refuses a profile that cannot be run safely.
func (p Profile) check() error {
	if len(p.Command) == 0 {
		return fault.New(fault.Invalid, "the image has no command")
	}
	for _, f := range p.Writable {
		if refused[f.Path] || len(f.Path) == 0 || f.Path[0] != '/' {
			return fault.New(fault.Invalid, "the folder %q cannot be writable", f.Path)
		}
	}
	return nil
}
