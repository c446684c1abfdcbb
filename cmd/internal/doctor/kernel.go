package doctor

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/program"
)

// maxKernelFile bounds a file of /proc or /sys, in bytes.
const maxKernelFile = 1 << 20

func readFile(root fs.FS, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return limit.ReadAll(f, maxKernelFile, name)
}

const noOverlay = "the kernel has no overlayfs: builds copy files, slower and larger"

// overlay mounts one in the state folder where it may: the folder's own
// filesystem decides too.
func overlay(_ context.Context, o Options) finding {
	const mend = "put the state folder on ext4, xfs or btrfs with --state, or: sudo modprobe overlay"
	if o.UID != 0 {
		kinds, err := readFile(o.Root, "proc/filesystems")
		if err != nil || !slices.Contains(strings.Fields(string(kinds)), "overlay") {
			return warn(noOverlay, "sudo modprobe overlay")
		}
		return ok("known to the kernel")
	}
	dir, err := scratch(o)
	if err != nil {
		return warn(err.Error(), "see: state folder")
	}
	defer os.RemoveAll(dir)
	if err := mountOverlay(dir); err != nil {
		return warn(fmt.Sprintf("mounting one fails: %s; builds copy files, slower and larger", err), mend)
	}
	return ok("mounts in the state folder")
}

func mountOverlay(dir string) error {
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return err
		}
	}
	merged := filepath.Join(dir, "merged")
	data := fmt.Sprintf("lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", dir, dir, dir)
	if err := unix.Mount("overlay", merged, "overlay", 0, data); err != nil {
		return err
	}
	return unix.Unmount(merged, 0)
}

// controllers are those that a run profile's limits need.
func controllers() []string { return []string{"memory", "cpu", "pids"} }

func cgroups(_ context.Context, o Options) finding {
	version, absent := "v2", absentV2(o.Root)
	if _, err := fs.Stat(o.Root, "sys/fs/cgroup/cgroup.controllers"); err != nil {
		version, absent = "v1", absentV1(o.Root)
	}
	if len(absent) == 0 {
		return ok(version + " with " + strings.Join(controllers(), ", "))
	}
	found := fmt.Sprintf("%s without %s", version, strings.Join(absent, ", "))
	const mend = "boot the kernel with: cgroup_enable=memory systemd.unified_cgroup_hierarchy=1"
	if o.UID != 0 {
		return warn(found+"; without root no limits are set", mend)
	}
	return missing(found, mend)
}

func absentV2(root fs.FS) []string {
	data, _ := readFile(root, "sys/fs/cgroup/cgroup.controllers")
	present := strings.Fields(string(data))
	return slices.DeleteFunc(controllers(), func(c string) bool { return slices.Contains(present, c) })
}

func absentV1(root fs.FS) []string {
	return slices.DeleteFunc(controllers(), func(c string) bool {
		_, err := fs.Stat(root, "sys/fs/cgroup/"+c+"/cgroup.procs")
		return err == nil
	})
}

const asRoot = "not needed as root"

// userNamespaces makes one: sysctl settings, security modules and container
// runtimes each can forbid it.
func userNamespaces(ctx context.Context, o Options) finding {
	if o.UID == 0 {
		return ok(asRoot)
	}
	const mend = "sudo sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000 (and kernel.apparmor_restrict_unprivileged_userns=0 where it exists)"
	unshare, err := program.Find("unshare", "")
	if err != nil {
		return missing(err.Error(), "sudo apt-get install util-linux")
	}
	_, err = program.Run(ctx, program.Command{
		Path: unshare, Args: []string{"--user", "--map-root-user", "/bin/true"}, Timeout: versionTime,
	})
	if err != nil {
		return missing(err.Error(), mend)
	}
	return ok("one can be made")
}

func newuidmap(_ context.Context, o Options) finding {
	if o.UID == 0 {
		return ok(asRoot)
	}
	for _, name := range []string{"newuidmap", "newgidmap"} {
		if _, err := program.Find(name, ""); err != nil {
			return missing(err.Error(), "")
		}
	}
	for _, name := range []string{"etc/subuid", "etc/subgid"} {
		data, err := readFile(o.Root, name)
		if err != nil || len(bytes.TrimSpace(data)) == 0 {
			return missing("/"+name+" gives nobody a range", `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "$USER"`)
		}
	}
	return ok("newuidmap and newgidmap, with ranges")
}

func rootlesskit(ctx context.Context, o Options) finding {
	if o.UID == 0 {
		return ok(asRoot)
	}
	return asked(ctx, "rootlesskit", "--version")
}
