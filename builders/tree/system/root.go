package system

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// configured are the folders that systemd's programs and kmod read, each in
// /etc and in the libraries of system and machine (CONF_PATHS of systemd).
func configured() []string {
	return []string{"binfmt.d", "modprobe.d", "modules-load.d", "sysctl.d", "systemd", "sysusers.d", "tmpfiles.d", "udev"}
}

// rootFolders are folders, and rootFiles files, of what root starts or reads
// when a machine boots, somebody logs in or any program starts; among them what
// names libraries that programs load (nsswitch.conf(5), config(5ssl)).
func rootFolders() []string {
	all := []string{
		"etc/cron.d", "etc/cron.daily", "etc/cron.hourly", "etc/cron.monthly", "etc/cron.weekly", "etc/dbus-1", "etc/init.d", "etc/ld.so.conf.d", "etc/logrotate.d",
		"etc/network", "etc/pam.d", "etc/polkit-1", "etc/profile.d", "etc/rc0.d", "etc/rc1.d", "etc/rc2.d", "etc/rc3.d", "etc/rc4.d",
		"etc/rc5.d", "etc/rc6.d", "etc/rcS.d", "etc/sudoers.d", "etc/update-motd.d", "root/.ssh", "usr/lib/pam.d",
		"usr/local/share/dbus-1", "usr/local/share/polkit-1", "usr/share/dbus-1", "usr/share/polkit-1", "var/spool/at", "var/spool/cron",
	}
	for _, name := range configured() {
		all = append(all, "etc/"+name, "usr/lib/"+name, "usr/local/lib/"+name)
	}
	return all
}

func rootFiles() []string {
	return []string{
		"etc/anacrontab", "etc/bash.bashrc", "etc/crontab", "etc/crypttab", "etc/environment", "etc/fstab", "etc/integritytab", "etc/ld.so.conf",
		"etc/ld.so.preload", "etc/logrotate.conf", "etc/modules", "etc/nsswitch.conf", "etc/pam.conf", "etc/profile", "etc/rc.local",
		"etc/security/namespace.init", "etc/security/pam_env.conf", "etc/ssl/openssl.cnf", "etc/sudo.conf", "etc/sudoers", "etc/sysctl.conf", "etc/veritytab",
		"root/.bash_login", "root/.bash_profile", "root/.bashrc", "root/.profile",
	}
}

// processors is a folder beside libraries: of two with one name the dynamic
// linker takes the one in it, on processors that can (ld.so(8)).
const processors = "glibc-hwcaps"

// ForRoot says whether root starts or reads a file or link at a place, or
// through it: a link in the place of a folder above may lead to anything.
func ForRoot(place string) bool {
	is := func(known string) bool { return place == known || strings.HasPrefix(known, place+"/") }
	in := func(folder string) bool { return is(folder) || strings.HasPrefix(place, folder+"/") }
	return slices.ContainsFunc(rootFolders(), in) || slices.ContainsFunc(rootFiles(), is) || forProcessors(place)
}

func forProcessors(place string) bool {
	return strings.HasPrefix(place, "usr/") && slices.Contains(strings.Split(place, "/"), processors)
}

// forRoot returns the files and links of a tree that root starts or reads.
func forRoot(t *treefs.FS) (all []string, err error) {
	for _, name := range slices.Concat(rootFiles(), rootFolders()) {
		place, err := t.Place(name)
		if err != nil {
			return nil, err
		}
		info, err := t.Lstat(place)
		if err != nil {
			return nil, err
		}
		if info != nil && !info.IsDir() { // a folder may have become a link
			all = append(all, place)
		}
	}
	for _, folder := range rootFolders() {
		found, err := filesIn(t, folder, func(string) bool { return true })
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	found, err := filesIn(t, "usr", forProcessors)
	return append(all, found...), err
}

// filesIn returns the files and links that are wanted below a folder, and
// where it leads.
func filesIn(t *treefs.FS, folder string, want func(place string) bool) (all []string, err error) {
	at, err := t.Resolve(folder)
	if err != nil {
		return nil, err
	}
	if dir, err := t.Is(at, fs.ModeDir); err != nil || !dir {
		return nil, err
	}
	err = t.Below(at, func(e *treefs.Entry, _ *unix.Stat_t) error {
		if !e.IsDir() && want(path.Join(folder, strings.TrimPrefix(e.Path, at))) {
			all = append(all, e.Path)
		}
		return nil
	})
	return all, err
}
