package form

import (
	"math"
	"strconv"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/profile"
)

// The parts of a task definition of Amazon ECS that are written here
// (RegisterTaskDefinition, for tasks on EC2).
type (
	ecsTask struct {
		// CPU bounds the task; a container's own number is a share only.
		CPU        string         `json:"cpu,omitempty"`
		Family     string         `json:"family"`
		Requires   []string       `json:"requiresCompatibilities"`
		Network    string         `json:"networkMode"`
		Volumes    []ecsVolume    `json:"volumes,omitempty"`
		Containers []ecsContainer `json:"containerDefinitions"`
	}
	ecsVolume struct {
		Name   string `json:"name"`
		Docker struct {
			Scope         string `json:"scope"`
			Autoprovision bool   `json:"autoprovision"`
		} `json:"dockerVolumeConfiguration"`
	}
	ecsContainer struct {
		Name       string       `json:"name"`
		Image      string       `json:"image"`
		Essential  bool         `json:"essential"`
		User       string       `json:"user"`
		ReadOnly   bool         `json:"readonlyRootFilesystem"`
		Privileged bool         `json:"privileged"`
		Security   []string     `json:"dockerSecurityOptions"`
		Memory     int64        `json:"memory,omitempty"`
		Ports      []ecsPort    `json:"portMappings,omitempty"`
		Mounts     []ecsMount   `json:"mountPoints,omitempty"`
		Limits     []ecsLimit   `json:"ulimits"`
		Controls   []ecsControl `json:"systemControls,omitempty"`
		Linux      ecsLinux     `json:"linuxParameters"`
		Health     *ecsHealth   `json:"healthCheck,omitempty"`
		Stop       int          `json:"stopTimeout"`
	}
	ecsPort struct {
		Port     int    `json:"containerPort"`
		Protocol string `json:"protocol"`
	}
	ecsMount struct {
		Volume string `json:"sourceVolume"`
		Path   string `json:"containerPath"`
	}
	ecsLimit struct {
		Name string `json:"name"`
		Soft uint64 `json:"softLimit"`
		Hard uint64 `json:"hardLimit"`
	}
	ecsControl struct {
		Namespace string `json:"namespace"`
		Value     string `json:"value"`
	}
	ecsLinux struct {
		Capabilities struct {
			Drop []string `json:"drop"`
		} `json:"capabilities"`
		Shared int64      `json:"sharedMemorySize"`
		Swap   int        `json:"maxSwap"`
		Tmpfs  []ecsTmpfs `json:"tmpfs"`
	}
	ecsTmpfs struct {
		Path    string   `json:"containerPath"`
		Size    int64    `json:"size"`
		Options []string `json:"mountOptions"`
	}
	ecsHealth struct {
		Command  []string `json:"command"`
		Interval int      `json:"interval"`
		Timeout  int      `json:"timeout"`
		Retries  int      `json:"retries"`
	}
)

const (
	mebibyte = 1 << 20
	// ecsUnits are a processor's, of which a task has ecsLeast at least; ecsStop
	// is the longest time to end in, in seconds.
	ecsUnits = 1024
	ecsLeast = 128
	ecsStop  = 120
)

// task is a task definition. ECS gives secrets as variables alone, which the
// service would have to take from there: an app that asks for files is
// fault.Invalid.
func (h Hosted) task() (ecsTask, error) {
	if len(h.Given) > 0 {
		return ecsTask{}, fault.Hint(fault.New(fault.Invalid, "the app asks for %s as a file, and ECS has none to give", h.Given[0].Name),
			"run it on the disk, or with --for kubernetes on EKS")
	}
	c := ecsContainer{
		Name: h.Name, Image: h.Image, Essential: true, User: h.ID.String(), ReadOnly: true, Security: []string{"no-new-privileges"},
		Memory: mebibytes(h.Memory), Stop: min(h.GraceSeconds(), ecsStop),
		Limits: []ecsLimit{{"core", 0, 0}, {"nofile", h.OpenFiles, h.OpenFiles}},
	}
	t := ecsTask{Family: h.Name, Requires: []string{"EC2"}, Network: "awsvpc"}
	if h.CPUs > 0 {
		t.CPU = strconv.Itoa(max(int(math.Round(h.CPUs*ecsUnits)), ecsLeast))
	}
	c.Linux.Capabilities.Drop, c.Linux.Shared, c.Linux.Tmpfs = []string{"ALL"}, mebibytes(h.SharedMemory), []ecsTmpfs{}
	for _, p := range h.Ports {
		c.Ports = append(c.Ports, ecsPort{p.Number, p.Protocol})
	}
	if first := h.FirstPort(); first > 0 {
		c.Controls = []ecsControl{{"net.ipv4.ip_unprivileged_port_start", strconv.Itoa(first)}}
	}
	for _, f := range h.Folders {
		if f.Lasts {
			v := ecsVolume{Name: h.Volume(f)}
			v.Docker.Scope, v.Docker.Autoprovision = "shared", true
			t.Volumes, c.Mounts = append(t.Volumes, v), append(c.Mounts, ecsMount{v.Name, f.Path})
			continue
		}
		c.Linux.Tmpfs = append(c.Linux.Tmpfs, ecsTmpfs{f.Path, mebibytes(f.Bytes), h.ecsOptions(f)})
	}
	if ask := h.Ask(); ask != nil {
		c.Health = &ecsHealth{
			Command: append([]string{"CMD"}, ask...), Interval: clamp(wholeSeconds(h.Health.Interval.Std()), 5, 300),
			Timeout: clamp(wholeSeconds(h.Health.Timeout.Std()), 2, 60), Retries: clamp(h.Health.Retries, 1, 10),
		}
	}
	t.Containers = []ecsContainer{c}
	return t, nil
}

// ecsOptions are a folder's mount options but for its size, which ECS has
// apart.
func (h Hosted) ecsOptions(f profile.Folder) (options []string) {
	for option := range strings.SplitSeq(h.Tmpfs(f), ",") {
		if !strings.HasPrefix(option, "size=") {
			options = append(options, option)
		}
	}
	return options
}

// mebibytes rounds up.
func mebibytes(n int64) int64 { return (n + mebibyte - 1) / mebibyte }

// clamp keeps a number within what ECS takes.
func clamp(n, least, most int) int { return min(max(n, least), most) }
