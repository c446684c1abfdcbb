package container

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
)

// profileVersion is the version of the published run profile's format.
const profileVersion = "bakelite.dev/v1"

type published struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Profile    Profile    `json:"profile"`
	Docker     []string   `json:"docker"` // flags of docker run and podman run
	Kubernetes kubernetes `json:"kubernetes"`
}

// kubernetes holds the fields of a Pod: those of its container, and volumes.
type kubernetes struct {
	Container kubeContainer `json:"container"`
	Volumes   []kubeVolume  `json:"volumes,omitempty"`
}

type kubeContainer struct {
	SecurityContext kubeSecurity   `json:"securityContext"`
	Resources       *kubeResources `json:"resources,omitempty"`
	VolumeMounts    []kubeMount    `json:"volumeMounts,omitempty"`
}

type kubeSecurity struct {
	RunAsNonRoot             bool              `json:"runAsNonRoot"`
	ReadOnlyRootFilesystem   bool              `json:"readOnlyRootFilesystem"`
	AllowPrivilegeEscalation bool              `json:"allowPrivilegeEscalation"`
	Capabilities             kubeCapabilities  `json:"capabilities"`
	SeccompProfile           map[string]string `json:"seccompProfile"`
}

type kubeCapabilities struct {
	Drop []string `json:"drop"`
	Add  []string `json:"add,omitempty"`
}

type kubeResources struct {
	Limits map[string]string `json:"limits"`
}

type kubeMount struct {
	Name      string `json:"name"`
	MountPath string `json:"mountPath"`
}

type kubeVolume struct {
	Name     string       `json:"name"`
	EmptyDir kubeEmptyDir `json:"emptyDir"`
}

type kubeEmptyDir struct {
	Medium    string `json:"medium"`
	SizeLimit string `json:"sizeLimit"`
}

// RunProfile is the run profile as indented JSON, with the same as flags of
// docker and podman and as fields of a Kubernetes container. Its bytes depend
// on the app alone.
func RunProfile(a app.App) ([]byte, error) {
	p := ProfileOf(a)
	if err := p.check(); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(published{
		APIVersion: profileVersion, Kind: "RunProfile", Profile: p, Docker: p.docker(), Kubernetes: p.kubernetes(),
	}, "", "  ")
	if err != nil {
		return nil, fault.As(fault.Internal, fmt.Errorf("writing the run profile: %w", err))
	}
	return append(data, '\n'), nil
}

// docker gives tmpfs folders to everyone in the container (mode 1777): the
// flags are written before the user's number is known.
func (p Profile) docker() []string {
	flags := []string{"--read-only", "--cap-drop=ALL"}
	for _, c := range p.Capabilities {
		flags = append(flags, "--cap-add="+strings.TrimPrefix(c, "CAP_"))
	}
	flags = append(flags, "--security-opt=no-new-privileges", "--user="+p.User,
		"--pids-limit="+strconv.FormatInt(p.PIDs, 10), fmt.Sprintf("--ulimit=nofile=%d:%d", p.OpenFiles, p.OpenFiles), "--ulimit=core=0:0")
	if p.Memory > 0 {
		flags = append(flags, fmt.Sprintf("--memory=%d", p.Memory), fmt.Sprintf("--memory-swap=%d", p.Memory))
	}
	if p.CPUs > 0 {
		flags = append(flags, "--cpus="+strconv.FormatFloat(p.CPUs, 'f', -1, 64))
	}
	for _, f := range p.Writable {
		flags = append(flags, fmt.Sprintf("--tmpfs=%s:rw,nosuid,nodev,noexec,mode=1777,size=%d", f.Path, f.Bytes))
	}
	for _, port := range p.Ports {
		number, _, _ := strings.Cut(port, "/")
		flags = append(flags, "--publish="+number+":"+port)
	}
	return flags
}

func (p Profile) kubernetes() kubernetes {
	c := kubeContainer{SecurityContext: kubeSecurity{
		RunAsNonRoot: true, ReadOnlyRootFilesystem: p.ReadOnlyRoot, AllowPrivilegeEscalation: !p.NoNewPrivileges,
		Capabilities: kubeCapabilities{Drop: []string{"ALL"}}, SeccompProfile: map[string]string{"type": "RuntimeDefault"},
	}}
	for _, capability := range p.Capabilities {
		c.SecurityContext.Capabilities.Add = append(c.SecurityContext.Capabilities.Add, strings.TrimPrefix(capability, "CAP_"))
	}
	limits := map[string]string{}
	if p.Memory > 0 {
		limits["memory"] = strconv.FormatInt(p.Memory, 10)
	}
	if p.CPUs > 0 {
		limits["cpu"] = strconv.FormatFloat(p.CPUs, 'f', -1, 64)
	}
	if len(limits) > 0 {
		c.Resources = &kubeResources{limits}
	}
	k := kubernetes{}
	for i, f := range p.Writable {
		name := fmt.Sprintf("writable-%d", i)
		c.VolumeMounts = append(c.VolumeMounts, kubeMount{name, f.Path})
		k.Volumes = append(k.Volumes, kubeVolume{name, kubeEmptyDir{"Memory", strconv.FormatInt(f.Bytes, 10)}})
	}
	k.Container = c
	return k
}
