package host

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// container is what an engine says of one (Docker Engine API v1.41,
// ContainerInspect, which Podman answers too).
type container struct {
	Name            string
	AppArmorProfile string
	Config          struct{ Image, User string }
	State           struct {
		Health *struct{ Status string }
	}
	HostConfig struct {
		Privileged, ReadonlyRootfs, PublishAllPorts                      bool
		Memory                                                           int64
		NanoCPUs                                                         int64 `json:"NanoCpus"`
		CPUQuota                                                         int64 `json:"CpuQuota"`
		CPUShares                                                        int64 `json:"CpuShares"`
		PidsLimit                                                        *int64
		NetworkMode, PidMode, IpcMode, UTSMode, UsernsMode, CgroupParent string
		CapAdd, SecurityOpt                                              []string
		DeviceCgroupRules                                                []string
		Devices                                                          []struct{ PathOnHost string }
		DeviceRequests                                                   []struct{ Driver string }
		RestartPolicy                                                    struct {
			Name              string
			MaximumRetryCount int
		}
		PortBindings map[string][]struct {
			HostIP   string `json:"HostIp"`
			HostPort string
		}
	}
	Mounts []struct {
		Source, Destination, Propagation string
		RW                               bool
	}
}

// judgeContainers asks one thing of every container that runs.
func judgeContainers(f facts, c Control) finding {
	if f.engine.unread != nil {
		return finding{bad: "it cannot be read: " + f.engine.unread.Error()}
	}
	if bad := f.silent(); bad != "" {
		return finding{bad: bad}
	}
	if !f.engine.there {
		return finding{none: "no engine listens"}
	}
	if len(f.engine.containers) == 0 {
		return finding{none: "no container runs"}
	}
	var bad []string
	for _, one := range f.engine.containers {
		if why := containerChecks()[c.Key](one); why != "" {
			bad = append(bad, strings.TrimPrefix(one.Name, "/")+" "+why)
		}
	}
	return finding{bad: strings.Join(bad, "; ")}
}

func judgeSwarm(f facts, _ Control) finding {
	switch {
	case f.engine.unread != nil:
		return finding{bad: "it cannot be read: " + f.engine.unread.Error()}
	case f.silent() != "":
		return finding{bad: f.silent()}
	case !f.engine.there:
		return finding{none: "no engine listens"}
	case f.engine.swarm != "" && f.engine.swarm != "inactive":
		return finding{bad: "the node is " + f.engine.swarm}
	}
	return finding{}
}

// silent says that an engine runs and listens where nobody asked, "" where none
// does.
func (f facts) silent() string {
	if f.engine.there || len(f.arguments) == 0 {
		return ""
	}
	return "it cannot be read: dockerd runs, and listens on none of " + strings.Join(f.engine.asked, ", ")
}

// containerChecks say what is wrong with a container, "" where nothing is.
func containerChecks() map[string]func(container) string {
	return map[string]func(container) string{
		"apparmor":     func(c container) string { return when(unconfined(c.AppArmorProfile), "has no AppArmor profile") },
		"capabilities": addedCapabilities,
		"privileged":   func(c container) string { return when(c.HostConfig.Privileged, "is privileged") },
		"host-folders": hostFolders,
		"low-ports":    lowPorts,
		"all-ports":    func(c container) string { return when(c.HostConfig.PublishAllPorts, "publishes all ports") },
		"host-network": func(c container) string { return when(c.HostConfig.NetworkMode == "host", "shares the host's network") },
		"memory":       func(c container) string { return when(c.HostConfig.Memory <= 0, "has no limit of memory") },
		"cpu": func(c container) string {
			return when(c.HostConfig.NanoCPUs <= 0 && c.HostConfig.CPUQuota <= 0 && c.HostConfig.CPUShares <= 0, "has no limit of CPU")
		},
		"read-only":   func(c container) string { return when(!c.HostConfig.ReadonlyRootfs, "can write to its root") },
		"any-address": anyAddress,
		"restarts":    endlessRestarts,
		"host-pid":    func(c container) string { return when(c.HostConfig.PidMode == "host", "shares the host's processes") },
		"host-ipc":    func(c container) string { return when(c.HostConfig.IpcMode == "host", "shares the host's IPC") },
		"devices": func(c container) string {
			return when(len(c.HostConfig.Devices)+len(c.HostConfig.DeviceCgroupRules)+len(c.HostConfig.DeviceRequests) > 0, "has devices of the host")
		},
		"propagation": sharedMounts,
		"host-uts":    func(c container) string { return when(c.HostConfig.UTSMode == "host", "shares the host's name") },
		"seccomp": func(c container) string {
			return when(hasOption(c, "seccomp", "unconfined"), "has no filter of system calls")
		},
		"new-privileges": func(c container) string {
			return when(!hasOption(c, "no-new-privileges", "true") && !hasOption(c, "no-new-privileges", ""), "can get new privileges")
		},
		"health": func(c container) string {
			return when(c.State.Health == nil || c.State.Health.Status == "none", "has no health check")
		},
		"pids": func(c container) string {
			return when(c.HostConfig.PidsLimit == nil || *c.HostConfig.PidsLimit <= 0, "has no limit of processes")
		},
		"bridge": func(c container) string {
			return when(slices.Contains([]string{"default", "bridge"}, c.HostConfig.NetworkMode), "is on the default bridge")
		},
		"host-users":    func(c container) string { return when(c.HostConfig.UsernsMode == "host", "shares the host's users") },
		"engine-socket": engineSocket,
		"root": func(c container) string {
			user, _, _ := strings.Cut(c.Config.User, ":")
			return when(user == "root" || strings.Trim(user, "0") == "", "runs as root")
		},
		"cgroup": func(c container) string {
			return when(c.HostConfig.CgroupParent != "", "has the cgroup "+c.HostConfig.CgroupParent)
		},
	}
}

func when(bad bool, what string) string {
	if bad {
		return what
	}
	return ""
}

func unconfined(profile string) bool { return profile == "" || profile == "unconfined" }

func hasOption(c container, name, value string) bool {
	return slices.ContainsFunc(c.HostConfig.SecurityOpt, func(option string) bool {
		at := strings.IndexAny(option, "=:")
		if at < 0 {
			return option == name && value == ""
		}
		return option[:at] == name && option[at+1:] == value
	})
}

// addedCapabilities lets through the one that ports below 1024 need.
func addedCapabilities(c container) string {
	added := slices.DeleteFunc(slices.Clone(c.HostConfig.CapAdd), func(name string) bool {
		return strings.TrimPrefix(strings.ToUpper(name), "CAP_") == "NET_BIND_SERVICE"
	})
	return when(len(added) > 0, "has the capabilities "+strings.Join(added, ", "))
}

// hostFolders are those by which a container has the host.
func hostFolders(c container) string {
	for _, m := range c.Mounts {
		source := path.Clean(m.Source)
		for _, folder := range []string{"/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr"} {
			// Single devices are a control of their own.
			within := folder != "/dev" && strings.HasPrefix(source, folder+"/")
			if m.RW && (source == "/" || source == folder || within) {
				return "can write to the host's " + source
			}
		}
	}
	return ""
}

func lowPorts(c container) string {
	for _, inside := range slices.Sorted(maps.Keys(c.HostConfig.PortBindings)) {
		for _, b := range c.HostConfig.PortBindings[inside] {
			if n, err := strconv.Atoi(b.HostPort); err == nil && n > 0 && n < 1024 {
				return fmt.Sprintf("publishes %s on port %d", inside, n)
			}
		}
	}
	return ""
}

func anyAddress(c container) string {
	for _, inside := range slices.Sorted(maps.Keys(c.HostConfig.PortBindings)) {
		for _, b := range c.HostConfig.PortBindings[inside] {
			if slices.Contains([]string{"", "0.0.0.0", "::"}, b.HostIP) {
				return "publishes " + inside + " on all addresses"
			}
		}
	}
	return ""
}

// mostRestarts is the benchmark's (5.15).
const mostRestarts = 5

func endlessRestarts(c container) string {
	p := c.HostConfig.RestartPolicy
	return when(p.Name == "always" || p.Name == "unless-stopped" || p.Name == "on-failure" && (p.MaximumRetryCount == 0 || p.MaximumRetryCount > mostRestarts), "is started again without end")
}

func sharedMounts(c container) string {
	for _, m := range c.Mounts {
		if strings.HasSuffix(m.Propagation, "shared") {
			return "shares its mounts below " + m.Destination
		}
	}
	return ""
}

// engineSockets are where engines listen, by both names of /run.
func engineSockets() (all []string) {
	for _, run := range []string{"/run", "/var/run"} {
		for _, name := range []string{"docker.sock", "podman/podman.sock", "containerd/containerd.sock"} {
			all = append(all, run+"/"+name)
		}
	}
	return all
}

// engineSocket finds one by its name anywhere, or in a folder above it.
func engineSocket(c container) string {
	for _, m := range c.Mounts {
		source := path.Clean(m.Source)
		for _, socket := range engineSockets() {
			if path.Base(source) == path.Base(socket) || strings.HasPrefix(socket, strings.TrimSuffix(source, "/")+"/") {
				return "has the engine's socket"
			}
		}
	}
	return ""
}
