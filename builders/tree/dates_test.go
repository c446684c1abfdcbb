package tree_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree"
)

// random makes trees and works on them as others do. Two with one seed do the
// same, whatever their clocks say.
type random struct {
	*place
	*rand.Rand
	// clock is the date that the next change carries.
	clock func() unix.Timespec
	// folders and files are what there is, by name.
	folders, files []string
	listed         []string
}

func (r *random) name() string {
	name := path.Join(r.folders[r.IntN(len(r.folders))], fmt.Sprintf("n%d", r.IntN(12)))
	for slices.Contains(r.folders, name) || slices.Contains(r.files, name) {
		name += "x"
	}
	return name
}

func (r *random) path(name string) string { return filepath.Join(r.tree, name) }

func (r *random) date(name string, to unix.Timespec) {
	r.Helper()
	r.must(unix.UtimesNanoAt(unix.AT_FDCWD, r.path(name), []unix.Timespec{to, to}, unix.AT_SYMLINK_NOFOLLOW))
}

// changed dates an entry and its folder by the clock, as the kernel does.
func (r *random) changed(name string) {
	now := r.clock()
	r.date(path.Dir(name), now)
	if _, err := os.Lstat(r.path(name)); err == nil {
		r.date(name, now)
	}
}

// step makes one change, as a script would.
func (r *random) step() {
	switch r.IntN(6) {
	case 0:
		name := r.name()
		r.must(os.Mkdir(r.path(name), 0o755))
		r.folders = append(r.folders, name)
		r.changed(name)
	case 1:
		name := r.name()
		r.must(os.Symlink("n1", r.path(name)))
		r.files = append(r.files, name)
		r.changed(name)
	case 2: // what is there gets other content, or none other but the date
		if len(r.files) > 0 {
			r.changed(r.files[r.IntN(len(r.files))])
		}
	case 3:
		if len(r.files) > 0 {
			i := r.IntN(len(r.files))
			r.must(os.Remove(r.path(r.files[i])))
			r.changed(r.files[i])
			r.files = slices.Delete(r.files, i, i+1)
		}
	default:
		name := r.name()
		r.must(os.WriteFile(r.path(name), []byte(name), 0o644))
		r.files = append(r.files, name)
		r.changed(name)
	}
}

// unpack puts a file there as dpkg does: with the date that it came with.
func (r *random) unpack() {
	name := r.name()
	came := unix.Timespec{Sec: 1500000000 + r.Int64N(300000000)}
	r.must(os.WriteFile(r.path(name), []byte("of a package"), 0o644))
	r.files, r.listed = append(r.files, name), append(r.listed, name)
	r.changed(name)
	r.date(name, came)
}

// list is everything that a layer holds of the tree.
func (r *random) list() string {
	var b strings.Builder
	r.must(filepath.WalkDir(r.tree, func(name string, _ fs.DirEntry, err error) error {
		var s unix.Stat_t
		if err == nil {
			err = unix.Lstat(name, &s)
		}
		fmt.Fprintf(&b, "%s %o %d.%d\n", strings.TrimPrefix(name, r.tree), s.Mode, s.Mtim.Sec, s.Mtim.Nsec)
		return err
	}))
	return b.String()
}

// play makes a tree, has others work on it by a clock, and dates it.
func play(t *testing.T, seed uint64, packages bool, clock func() unix.Timespec) (*random, string) {
	t.Helper()
	r := &random{place: newPlace(t), Rand: rand.New(rand.NewPCG(seed, 1)), clock: func() unix.Timespec { return unix.Timespec{Sec: madeAt} }, folders: []string{"."}}
	for _, name := range []string{"etc/passwd", "etc/group", "etc", "."} {
		r.date(name, r.clock())
	}
	for range 20 {
		r.step()
	}
	r.must(os.RemoveAll(r.before))
	r.must(os.CopyFS(r.before, os.DirFS(r.tree)))
	copyDates(t, r.tree, r.before)
	r.clock = clock
	for range 30 {
		if packages && r.IntN(2) == 0 {
			r.unpack()
			continue
		}
		r.step()
	}
	request := tree.Request{Own: "steps"}
	if packages {
		r.must(os.MkdirAll(r.path("var/lib/dpkg/info"), 0o755))
		r.write(r.tree, "var/lib/dpkg/info/a.list", "/.\n/"+strings.Join(r.listed, "\n/")+"\n", 0o644)
		for _, name := range []string{"var/lib/dpkg/info/a.list", "var/lib/dpkg/info", "var/lib/dpkg", "var/lib", "var", "."} {
			r.date(name, clock())
		}
		request = tree.Request{Packages: true}
	}
	r.must(r.run(request))
	return r, r.list()
}

func copyDates(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(name string, _ fs.DirEntry, err error) error {
		var s unix.Stat_t
		if err == nil {
			err = unix.Lstat(name, &s)
		}
		if err == nil {
			err = unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(to, strings.TrimPrefix(name, from)), []unix.Timespec{s.Mtim, s.Mtim}, unix.AT_SYMLINK_NOFOLLOW)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// clocks are those of machines on which one lock is built: of one that is
// right, of one that stands still, and of those without a battery.
func clocks() map[string]func() unix.Timespec {
	ticking := func(begin string) func() unix.Timespec {
		at, err := time.Parse(time.RFC3339Nano, begin)
		if err != nil {
			panic(err)
		}
		return func() unix.Timespec { at = at.Add(4 * time.Millisecond); return unix.NsecToTimespec(at.UnixNano()) }
	}
	return map[string]func() unix.Timespec{
		"right":   ticking("2026-11-28T12:00:00.123456789Z"),
		"still":   func() unix.Timespec { return unix.Timespec{Sec: 1790000000, Nsec: 1} },
		"no date": ticking("1970-01-01T00:00:03.000000007Z"),
		"early":   ticking("2017-01-01T00:00:00.5Z"),
		"late":    ticking("2090-01-01T00:00:00.999999999Z"),
	}
}

// TestOneDate plays the same on machines with different clocks: the trees have
// the same dates, of which each is one that a package brought, one that was
// there before, or the one that everything gets.
func TestOneDate(t *testing.T) {
	for seed := range uint64(6) {
		for _, packages := range []bool{false, true} {
			want, by := "", ""
			for name, clock := range clocks() {
				r, got := play(t, seed, packages, clock)
				if want == "" {
					want, by = got, name
				}
				if got != want {
					t.Fatalf("seed %d, packages %v: by the clocks %q and %q\n%s\n%s", seed, packages, by, name, want, got)
				}
				for _, listed := range r.listed {
					if s, err := os.Lstat(r.path(listed)); err == nil && s.ModTime().Unix() != madeAt && s.ModTime().Unix() < 1500000000 {
						t.Errorf("seed %d: %s is of %v", seed, listed, s.ModTime())
					}
				}
			}
			if strings.Count(want, ".0\n") != strings.Count(want, "\n") {
				t.Errorf("seed %d: a date has a fraction:\n%s", seed, want)
			}
		}
	}
}

// TestWholeSecondsOfTheClock: what a step of the user's dates by the clock in
// whole seconds, as tar and Python do, is dated all the same.
func TestWholeSecondsOfTheClock(t *testing.T) {
	p := newPlace(t)
	p.write(p.before, "old", "x", 0o644)
	p.write(p.tree, "old", "x", 0o644)
	p.write(p.tree, "new", "x", 0o644)
	for name, date := range map[string]int64{filepath.Join(p.before, "old"): 5, filepath.Join(p.tree, "old"): 5, filepath.Join(p.tree, "new"): 1790000000} {
		p.must(os.Chtimes(name, time.Unix(date, 0), time.Unix(date, 0)))
	}
	p.must(p.run(tree.Request{Own: "steps"}))
	if got := p.stat("old").Mtim.Sec; got != 5 {
		t.Errorf("what was there before is of %d", got)
	}
	if got := p.stat("new").Mtim.Sec; got != madeAt {
		t.Errorf("what a step made is of %d", got)
	}
}

// TestFoldersOfPackages: a file keeps the date that its package gave it, a link
// too; a folder does not, nor does what no package's list names.
func TestFoldersOfPackages(t *testing.T) {
	p := newPlace(t)
	const came = 1600000000
	p.must(os.MkdirAll(filepath.Join(p.tree, "usr/empty"), 0o755))
	p.write(p.tree, "usr/listed", "x", 0o644)
	p.write(p.tree, "usr/copied", "x", 0o644)
	p.link("listed", p.tree, "usr/link")
	p.write(p.tree, "var/lib/dpkg/info/a.list", "/usr\n/usr/empty\n/usr/listed\n/usr/link\n", 0o644)
	for _, name := range []string{"usr/empty", "usr/listed", "usr/copied", "usr/link"} {
		to := []unix.Timespec{{Sec: came}, {Sec: came}}
		p.must(unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(p.tree, name), to, unix.AT_SYMLINK_NOFOLLOW))
	}
	p.must(p.run(tree.Request{Packages: true}))
	for name, want := range map[string]int64{"usr/empty": madeAt, "usr/listed": came, "usr/copied": madeAt, "usr/link": came} {
		if got := p.stat(name).Mtim.Sec; got != want {
			t.Errorf("%s is of %d, want %d", name, got, want)
		}
	}
}

// TestFoldersAbove: a file of the app's dates every folder above it that it
// made or changed, whatever it is called; that failed for /opt in most builds,
// and for names that begin like those of a machine's folders always.
func TestFoldersAbove(t *testing.T) {
	for _, to := range []string{"/opt/app/hello.txt", "/runtime/x", "/devops/x", "/processor/tmp/x", "/temporary"} {
		p := newPlace(t)
		p.must(os.Mkdir(filepath.Join(p.tree, "opt"), 0o755))
		for _, name := range []string{"opt", "."} {
			p.must(os.Chtimes(filepath.Join(p.tree, name), time.Unix(madeAt, 0), time.Unix(madeAt, 0)))
		}
		p.must(p.run(tree.Request{Put: []tree.Put{{Content: []byte("x"), To: to, Owner: "root", Key: "files[0]"}}}))
		for at := to; ; at = path.Dir(at) {
			if got := p.stat(at).Mtim; got != (unix.Timespec{Sec: madeAt}) {
				t.Errorf("after a file to %s, %s is of %v", to, at, got)
			}
			if at == "/" {
				break
			}
		}
	}
}
