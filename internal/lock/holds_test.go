package lock_test

import (
	"fmt"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/lock"
)

// TestHolds compares what each kind of artifact has by the lock: newer layers
// replace what the base image has, and what only builds need is in neither.
func TestHolds(t *testing.T) {
	l := &lock.Lock{Packages: lock.Layers{
		Image: []lock.Installed{
			{Name: "libc6", Version: "1", Arch: "amd64", Source: "glibc"}, {Name: "libc6", Version: "1", Arch: "i386", Source: "glibc"},
			{Name: "tzdata", Version: "1", Arch: "all"}, {Name: "perl", Version: "1", Arch: "amd64"},
		},
		Seed: []lock.Pin{pin("apt", "3")}, Base: []lock.Pin{pin("dash", "1")}, Tools: []lock.Pin{pin("zstd", "1")},
		App:     []lock.Pin{built(pin("libc6", "2"), "glibc", "2.0"), pin("tzdata", "2")},
		Machine: []lock.Pin{pin("systemd", "257")}, MachineApp: []lock.Pin{pin("nginx", "1")},
	}}
	for kind, want := range map[string]string{
		artifact.Container: "[{dash 1 amd64 dash 1} {libc6 2 amd64 glibc 2.0} {libc6 1 i386 glibc 1} {perl 1 amd64 perl 1} {tzdata 2 amd64 tzdata 2}]",
		artifact.Disk: "[{dash 1 amd64 dash 1} {libc6 1 amd64 glibc 1} {libc6 1 i386 glibc 1} {nginx 1 amd64 nginx 1} " +
			"{perl 1 amd64 perl 1} {systemd 257 amd64 systemd 257} {tzdata 1 all tzdata 1}]",
	} {
		if got := fmt.Sprint(l.Holds(kind)); got != want {
			t.Errorf("the %s holds %s, want %s", kind, got, want)
		}
	}
}
