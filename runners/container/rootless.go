package container

import (
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/profile/form"
)

// rootlessSpec is the spec for a caller who is not root: user 0 of a user
// namespace is the caller, which is all that one may map without help.
func rootlessSpec(p profile.Profile, rootfs string) *specs.Spec {
	s := form.Spec(p, profile.Identity{}, rootfs)
	s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
	s.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: uint32(os.Geteuid()), Size: 1}}
	s.Linux.GIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: uint32(os.Getegid()), Size: 1}}
	s.Linux.Resources = nil
	return s
}

// shareNetwork drops the network namespace, and /sys with it: a sysfs can be
// mounted only by the owner of its network.
func shareNetwork(s *specs.Spec) {
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
}
