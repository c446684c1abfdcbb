// Package profile says what a service sees and may do, derived from its app
// alone: the run profile. The container's runtime spec, the image's
// configuration, the flags of container engines and the machine's systemd unit
// are all made from it (see form), so that a service that works in one works
// in the other. It is pure, and refuses nothing: the app was validated.
// Everybody above the leaves may import it.
package profile

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/app"
)

const (
	// Path is the service's PATH where the app file sets none.
	Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
	// language has every Debian: of messages in English, of characters UTF-8.
	language = "C.UTF-8"
	// Umask is that of container engines, which none of them can change.
	Umask = 0o022
	// BindService is the one capability that a profile can hold.
	BindService = "CAP_NET_BIND_SERVICE"
	// firstFreePort is the first port that needs no capability (Linux
	// net.ipv4.ip_unprivileged_port_start).
	firstFreePort = 1024
)

// Profile is how a service is meant to run.
type Profile struct {
	// Name is the app's, and the container's host name.
	Name string `json:"name"`
	// User is a name of the image's passwd.
	User    string   `json:"user"`
	Command []string `json:"command"`
	// Environment is NAME=value, sorted.
	Environment []string `json:"environment"`
	Dir         string   `json:"dir"`
	// Folders are what the service may write to, sorted by path; all else is
	// read-only.
	Folders []Folder `json:"folders"`
	// Capabilities are those kept; all others are dropped, and no program
	// gets new ones.
	Capabilities []string   `json:"capabilities"`
	Ports        []app.Port `json:"ports,omitempty"`
	// Families are the kinds of sockets that the service may make.
	Families []Family `json:"-"`
	// Calls are the system calls that it may make.
	Calls Calls `json:"-"`
	// WriteExecute lets memory be written and executed.
	WriteExecute bool `json:"writeExecute,omitempty"`
	// SharedMemory bounds /dev/shm, in bytes.
	SharedMemory int64 `json:"sharedMemory"`
	// Memory is bytes, zero for no limit.
	Memory int64 `json:"memory,omitempty"`
	// CPUs is a number of processors, zero for no limit.
	CPUs float64 `json:"cpus,omitempty"`
	// PIDs is the largest number of processes and threads.
	PIDs int64 `json:"pids"`
	// OpenFiles is the limit of open files of one process; there are no core
	// dumps.
	OpenFiles uint64 `json:"openFiles"`
	// LockedMemory is how many bytes one process may keep out of swap.
	LockedMemory uint64 `json:"lockedMemory"`
	// StopSignal asks the service to end; SIGKILL follows after StopGrace.
	StopSignal string        `json:"stopSignal"`
	StopGrace  time.Duration `json:"stopGrace"`
	Health     *app.Health   `json:"-"`
	// Given are the secrets and settings that the service does not start
	// without.
	Given []Given `json:"given,omitempty"`
	// Prepare are commands that run once before the service on a new state, and
	// where Update is set once for each Release.
	Prepare [][]string `json:"prepare,omitempty"`
	Update  bool       `json:"-"`
	// Release names what the image was made from; who makes it sets it.
	Release string `json:"-"`
	// Home says that the service sees /home and /root, as where the app puts
	// something there.
	Home bool `json:"-"`
}

// Of derives the run profile; keys that were left out count by their defaults.
func Of(a app.App) Profile {
	s := app.WithDefaults(a).Service
	return Profile{
		Name: a.Name, User: s.User, Command: s.Command, Environment: environment(s.Environment), Dir: s.Dir,
		Folders: folders(s), SharedMemory: int64(s.Resources.Writable), Capabilities: capabilities(s.Ports), Ports: s.Ports,
		Families: Families(), Calls: calls(s.Allow), WriteExecute: slices.Contains(s.Allow, app.AllowJIT),
		Memory: int64(s.Resources.Memory), CPUs: s.Resources.CPUs, PIDs: int64(s.Resources.PIDs), OpenFiles: app.MaxOpenFiles, LockedMemory: app.MaxLockedMemory,
		StopSignal: s.StopSignal, StopGrace: s.StopGrace.Std(), Health: s.Health, Home: home(a),
		Given: given(s), Prepare: commands(s.Prepare), Update: s.Prepare != nil && s.Prepare.When == app.WhenUpdate,
	}
}

func environment(own map[string]string) []string {
	all := map[string]string{"LANG": language, "PATH": Path}
	maps.Copy(all, own)
	var list []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, name+"="+all[name])
	}
	return list
}

func capabilities(ports []app.Port) []string {
	if slices.ContainsFunc(ports, func(p app.Port) bool { return p.Number < firstFreePort }) {
		return []string{BindService}
	}
	return []string{}
}

// home says whether the app may have put anything into the homes of people.
func home(a app.App) bool {
	inside := func(p string) bool { return strings.HasPrefix(p, "/home/") || strings.HasPrefix(p, "/root/") }
	return a.Base.Dockerfile != "" || len(a.Steps) > 0 || slices.ContainsFunc(a.Service.Command, inside) || inside(a.Service.Dir+"/") ||
		slices.ContainsFunc(a.Files, func(f app.File) bool { return inside(f.To + "/") })
}
