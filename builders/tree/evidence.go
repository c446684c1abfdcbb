package tree

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree/dpkg"
	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// noteEvidence notes what packages are known and judged by, before anything of
// the app's own is put into the tree.
func (w *work) noteEvidence() (err error) {
	if !w.Evidence {
		return nil
	}
	from := w.tree
	if w.before != nil {
		from = w.before
	}
	w.evidence, err = dpkg.ReadEvidence(from)
	return err
}

// judgeEvidence refuses what changes that: what the app's own part says of
// packages is no witness. Packages that it adds may bring theirs.
func (w *work) judgeEvidence() error {
	if !w.Evidence {
		return nil
	}
	now, err := dpkg.ReadEvidence(w.tree)
	if err != nil {
		return err
	}
	err = w.evidence.Unspoiled(now)
	var spoiled *dpkg.SpoiledError
	if !errors.As(err, &spoiled) {
		return err
	}
	return mistake(cmp.Or(w.Own, "files"), "leave it as it comes", "%s may not be changed or removed: packages are known and judged by it", spoiled)
}

// judgeAltered refuses what the app's own part did to the system, but for what
// the app file names: the lists of packages, and with them every scan, go on to
// call a replaced program the package's, and no list has what root starts.
func (w *work) judgeAltered() error {
	if !w.Evidence {
		return nil
	}
	if w.before != nil {
		if err := w.compareSystem(); err != nil {
			return err
		}
	}
	var named []string
	for _, name := range w.Alters {
		place, err := w.tree.Resolve(name)
		if err != nil {
			return err
		}
		named = append(named, place)
	}
	slices.Sort(w.altered)
	all := slices.DeleteFunc(slices.Compact(w.altered), func(place string) bool { return slices.Contains(named, place) })
	if len(all) == 0 {
		return nil
	}
	for i := range all {
		all[i] = shown(all[i])
	}
	if more := len(all) - maxSaid; more > 0 {
		all = append(all[:maxSaid], fmt.Sprintf("and %d more", more))
	}
	return mistake(cmp.Or(w.Own, "files"), "put programs into /usr/local, or name the paths under alters, for the gate to judge",
		"what packages brought to run, or what root starts or reads, is changed: %s", strings.Join(all, ", "))
}

// compareSystem notes which programs of packages, and which of what root starts
// or reads, are not as they were.
func (w *work) compareSystem() error {
	all, err := dpkg.Programs(w.before)
	if err != nil {
		return err
	}
	for _, t := range []*treefs.FS{w.tree, w.before} {
		found, err := forRoot(t)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	slices.Sort(all)
	for _, place := range slices.Compact(all) {
		same, err := w.unaltered(place)
		if err != nil {
			return err
		}
		if !same {
			w.altered = append(w.altered, place)
		}
	}
	return nil
}

// unaltered says whether what is at a place is as it was, or is ours.
func (w *work) unaltered(place string) (bool, error) {
	same, err := sameContent(w.tree, w.before, place)
	if same || err != nil || w.Ours["/"+place] == "" {
		return same, err
	}
	if file, err := w.tree.Is(place, 0); err != nil || !file {
		return false, err
	}
	sum, err := sumOf(w.tree, place)
	return hex.EncodeToString(sum) == w.Ours["/"+place], err
}

// rootFolders are folders, and rootFiles files, of what root starts or reads
// when a machine boots, somebody logs in or any program starts.
func rootFolders() []string {
	return []string{
		"etc/cron.d", "etc/cron.daily", "etc/cron.hourly", "etc/cron.monthly", "etc/cron.weekly", "etc/init.d", "etc/ld.so.conf.d",
		"etc/modprobe.d", "etc/modules-load.d", "etc/pam.d", "etc/profile.d", "etc/rc0.d", "etc/rc1.d", "etc/rc2.d", "etc/rc3.d", "etc/rc4.d",
		"etc/rc5.d", "etc/rc6.d", "etc/rcS.d", "etc/sudoers.d", "etc/systemd", "etc/tmpfiles.d", "etc/udev", "root/.ssh",
		"usr/lib/modprobe.d", "usr/lib/modules-load.d", "usr/lib/systemd", "usr/lib/tmpfiles.d", "usr/lib/udev",
		"usr/local/lib/systemd", "var/spool/at", "var/spool/cron",
	}
}

func rootFiles() []string {
	return []string{
		"etc/anacrontab", "etc/bash.bashrc", "etc/crontab", "etc/environment", "etc/ld.so.conf", "etc/ld.so.preload", "etc/modules",
		"etc/pam.conf", "etc/profile", "etc/rc.local", "etc/sudoers", "root/.bash_login", "root/.bash_profile", "root/.bashrc", "root/.profile",
	}
}

// startedByRoot says whether a place is one of those.
func startedByRoot(place string) bool {
	return below(place, rootFolders()) != "" || slices.Contains(rootFiles(), place)
}

// forRoot returns the files and links of a tree that root starts or reads.
func forRoot(t *treefs.FS) (all []string, err error) {
	for _, name := range append(rootFiles(), rootFolders()...) {
		info, err := t.Lstat(name)
		if err != nil {
			return nil, err
		}
		if info != nil && !info.IsDir() { // a folder may have become a link
			all = append(all, name)
		}
	}
	for _, folder := range rootFolders() {
		if dir, err := t.Is(folder, fs.ModeDir); err != nil {
			return nil, err
		} else if !dir {
			continue
		}
		err := t.Below(folder, func(e *treefs.Entry, _ *unix.Stat_t) error {
			if !e.IsDir() {
				all = append(all, e.Path)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// sameContent says whether two trees have the same file or link at a place of
// which the second has one. Nobody can set when an inode was changed, so what
// has the other's number and time of change needs no reading.
func sameContent(a, b *treefs.FS, place string) (bool, error) {
	now, err := a.Lstat(place)
	if err != nil || now == nil {
		return false, err
	}
	was, err := b.Lstat(place)
	if err != nil || was == nil || now.Mode().Type() != was.Mode().Type() {
		return false, err
	}
	x, _ := now.Sys().(*syscall.Stat_t)
	y, _ := was.Sys().(*syscall.Stat_t)
	switch {
	case x != nil && y != nil && x.Ino == y.Ino && x.Ctim == y.Ctim && x.Size == y.Size:
		return true, nil
	case now.Size() != was.Size():
		return false, nil
	case now.Mode()&fs.ModeSymlink != 0:
		to, err := a.Root().Readlink(place)
		before, err2 := b.Root().Readlink(place)
		return to == before, errors.Join(err, err2)
	}
	sum, err := sumOf(a, place)
	before, err2 := sumOf(b, place)
	return bytes.Equal(sum, before), errors.Join(err, err2)
}

func sumOf(t *treefs.FS, place string) ([]byte, error) {
	f, err := t.Root().OpenFile(place, syscall.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}

// alters notes that a file of the app changes the system, in a tree that nobody
// else of the app's worked on.
func (p putting) alters(place string) error {
	if !p.Evidence || p.before != nil {
		return nil
	}
	ours, known := p.Ours["/"+place]
	switch {
	case known && p.Content != nil && sha(p.Content) == ours, !known && p.tree.Changed(place):
		return nil
	case known, startedByRoot(place):
		p.altered = append(p.altered, place)
		return nil
	case !dpkg.HoldsPrograms(place):
		return nil
	}
	info, err := p.tree.Lstat(place)
	if err == nil && info != nil && !info.IsDir() {
		p.altered = append(p.altered, place)
	}
	return err
}

func sha(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
