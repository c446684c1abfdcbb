package container

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

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
