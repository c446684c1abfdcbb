package container

import (
	"os"
	"path/filepath"

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
	return s
}

// resolver is where a system's names are looked up.
const resolver = "/etc/resolv.conf"

// shareNetwork drops the network namespace, and /sys with it: a sysfs can be
// mounted only by the owner of its network. Names are looked up as this machine
// does, where the image has the file for it.
func shareNetwork(s *specs.Spec, rootfs string) {
	kept := s.Linux.Namespaces[:0]
	for _, n := range s.Linux.Namespaces {
		if n.Type != specs.NetworkNamespace {
			kept = append(kept, n)
		}
	}
	s.Linux.Namespaces = kept
	mounts := s.Mounts[:0]
	for _, m := range s.Mounts {
		if m.Destination != "/sys" {
			mounts = append(mounts, m)
		}
	}
	s.Mounts = mounts
	if exists(resolver) && exists(filepath.Join(rootfs, resolver)) {
		s.Mounts = append(s.Mounts, specs.Mount{Destination: resolver, Type: "bind", Source: resolver, Options: []string{"bind", "ro", "nosuid", "nodev", "noexec"}})
	}
}
