package system

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/builders/tree/dpkg"
	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// files are those of a tree, by name and content; "-> x" makes a link.
type files map[string]string

func (f files) tree(t *testing.T) *treefs.FS {
	t.Helper()
	dir := t.TempDir()
	for name, text := range f {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if to, link := strings.CutPrefix(text, "-> "); err == nil && link {
			err = os.Symlink(to, path)
		} else if err == nil {
			err = os.WriteFile(path, []byte(text), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	fs, err := treefs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fs.Close() })
	return fs
}

// changes are those of two trees, by the lists of packages that they have.
func changes(t *testing.T, now, before *treefs.FS) ([]string, error) {
	t.Helper()
	programs, err := dpkg.Programs(before)
	if err != nil {
		t.Fatal(err)
	}
	names, err := dpkg.Alternatives(before)
	if err != nil {
		t.Fatal(err)
	}
	return Changes(now, before, Packages{programs, names, func() (map[string]bool, error) { return dpkg.Owned(now) }})
}

// installed is a system with two programs that awk may be, and a library.
func installed() files {
	return files{
		"var/lib/dpkg/info/mawk.list":    "/usr/bin/mawk\n/usr/bin/original-awk\n/usr/bin/journalctl\n/usr/lib/systemd/libshared.so\n/usr/lib/ssl/engine.so\n",
		"var/lib/dpkg/alternatives/awk":  "auto\n/usr/bin/awk\nnawk\n/usr/bin/nawk\n\n/usr/bin/mawk\n5\n\n\n/usr/bin/original-awk\n1\n\n\n",
		"usr/bin/mawk":                   "mawk",
		"usr/bin/original-awk":           "original",
		"usr/bin/awk":                    "-> /etc/alternatives/awk",
		"etc/alternatives/awk":           "-> /usr/bin/mawk",
		"usr/bin/journalctl":             "journalctl",
		"usr/lib/systemd/libshared.so":   "shared",
		"usr/lib/ssl/engine.so":          "engine",
		"usr/local/lib/python3.13/x.pth": "x",
	}
}

// TestLookups: what the app puts before a program, a library or a unit of the
// packages is a change of the system as their replacement is, though every
// file of a package is as it was: root starts journalctl by its name when a
// machine boots, and /usr/local comes first.
func TestLookups(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(files)
		want   string // the places that are told, with a space between
	}{
		"nothing":                         {func(files) {}, ""},
		"a program of another name":       {func(f files) { f["usr/local/bin/web"] = "x"; f["usr/bin/web"] = "x" }, ""},
		"before journalctl":               {func(f files) { f["usr/local/bin/journalctl"] = "evil" }, "usr/local/bin/journalctl"},
		"in a folder between":             {func(f files) { f["usr/sbin/journalctl"] = "evil" }, "usr/sbin/journalctl"},
		"by a link":                       {func(f files) { f["usr/local/sbin/journalctl"] = "-> /srv/x" }, "usr/local/sbin/journalctl"},
		"by a link in the folder's place": {func(f files) { f["usr/local/bin"] = "-> ../../srv/bin"; f["srv/bin/journalctl"] = "evil" }, "srv/bin/journalctl"},
		"before an alternative":           {func(f files) { f["usr/local/bin/awk"] = "evil" }, "usr/local/bin/awk"},
		"the other alternative":           {func(f files) { f["etc/alternatives/awk"] = "-> /usr/bin/original-awk" }, ""},
		"an alternative that nobody has":  {func(f files) { f["etc/alternatives/awk"] = "-> /srv/awk"; f["srv/awk"] = "evil" }, "srv/awk"},
		"the name itself":                 {func(f files) { f["usr/bin/awk"] = "evil" }, "usr/bin/awk"},
		"for newer processors":            {func(f files) { f["usr/lib/systemd/glibc-hwcaps/x86-64-v2/libshared.so"] = "evil" }, "usr/lib/systemd/glibc-hwcaps/x86-64-v2/libshared.so"},
		"for newer processors, elsewhere": {func(f files) { f["usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libc.so.6"] = "evil" }, "usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libc.so.6"},
		"a setting of the kernel":         {func(f files) { f["etc/sysctl.d/99.conf"] = "kernel.core_pattern=|/srv/x\n" }, "etc/sysctl.d/99.conf"},
		"who runs files of a kind":        {func(f files) { f["usr/local/lib/binfmt.d/x.conf"] = "x" }, "usr/local/lib/binfmt.d/x.conf"},
		"a library by a name service":     {func(f files) { f["etc/nsswitch.conf"] = "passwd: evil files\n" }, "etc/nsswitch.conf"},
		"a library by OpenSSL's settings": {func(f files) { f["etc/ssl/openssl.cnf"] = "dynamic_path = /srv/x.so\n" }, "etc/ssl/openssl.cnf"},
		"a plug-in of sudo":               {func(f files) { f["etc/sudo.conf"] = "Plugin x /srv/x.so\n" }, "etc/sudo.conf"},
		"what turns logs":                 {func(f files) { f["etc/logrotate.d/x"] = "/x { postrotate\n/srv/x\nendscript }\n" }, "etc/logrotate.d/x"},
		"what is mounted":                 {func(f files) { f["etc/fstab"] = "/srv/x /usr/bin/mawk none bind\n" }, "etc/fstab"},
		"a service on the bus":            {func(f files) { f["usr/share/dbus-1/system-services/x.service"] = "x" }, "usr/share/dbus-1/system-services/x.service"},
		"units by a link to their folder": {func(f files) {
			f["usr/local/lib/systemd"] = "-> ../../../srv/units"
			f["srv/units/system/x.service"] = "x"
		}, "srv/units/system/x.service usr/local/lib/systemd"},
		"libraries in what can be written":     {func(f files) { moved(f, "usr/lib/ssl", "var/lib/app/ssl", "../../var/lib/app/ssl") }, "usr/lib/ssl/engine.so"},
		"what can be written, far above units": {func(f files) { moved(f, "usr/local/lib", "var/lib/app", "../../var/lib/app") }, "usr/local/lib/" + strings.Join(configured(), " usr/local/lib/")},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := installed(), installed()
			tt.change(after)
			got, err := changes(t, after.tree(t), before.tree(t))
			if err != nil || strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// TestProgramThatNobodyStarts: without its bits a program, such as the one that
// sets up the firewall, is gone as if it were removed.
func TestProgramThatNobodyStarts(t *testing.T) {
	before, now := installed().tree(t), installed().tree(t)
	if err := now.Root().Chmod("usr/bin/journalctl", 0o644); err != nil {
		t.Fatal(err)
	}
	if err := now.Root().Chmod("usr/bin/mawk", 0o500); err != nil {
		t.Fatal(err)
	}
	if got, err := changes(t, now, before); err != nil || strings.Join(got, " ") != "usr/bin/journalctl" {
		t.Errorf("got %q, %v", got, err)
	}
}

// moved has a folder's files lie elsewhere, and a link lead there.
func moved(f files, from, to, link string) {
	for name, text := range f {
		if below, ok := strings.CutPrefix(name, from+"/"); ok {
			delete(f, name)
			f[to+"/"+below] = text
		}
	}
	f[from] = "-> " + link
}

// TestLibraryBeforeAPackages has ldconfig itself write the cache: another file
// under a library's name is a change, and a library of a new name is none.
func TestLibraryBeforeAPackages(t *testing.T) {
	program, err := exec.LookPath("ldconfig")
	if err != nil {
		if program = "/sbin/ldconfig"; exec.Command(program, "--version").Run() != nil {
			t.Skip("needs ldconfig")
		}
	}
	libraries, err := filepath.Glob("/lib/*-linux-gnu/libresolv.so.2")
	if err != nil || len(libraries) == 0 {
		t.Skip("needs a library of glibc")
	}
	library, err := os.ReadFile(libraries[0])
	if err != nil {
		t.Fatal(err)
	}
	made := func(f files) *treefs.FS {
		f["etc/ld.so.conf"] = "/usr/local/lib\n/usr/lib/main\n"
		f["usr/lib/main/libresolv.so.2"] = string(library)
		tree := f.tree(t)
		if out, err := exec.Command(program, "-r", tree.Root().Name()).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return tree
	}
	before := made(files{})
	if known, err := librariesOf(before); err != nil || len(known["libresolv.so.2"]) != 1 {
		t.Fatalf("the cache is read as %v, %v", known, err)
	}
	other := strings.Replace(string(library), "libresolv.so.2\x00", "libresolw.so.2\x00", 1)
	for name, tt := range map[string]struct {
		tree *treefs.FS
		want []string
	}{
		"the same":            {made(files{}), nil},
		"one more":            {made(files{"usr/local/lib/libresolw.so.2": other}), nil},
		"before a package's":  {made(files{"usr/local/lib/libresolv.so.2": string(library)}), []string{cacheFile}},
		"for some processors": {made(files{"usr/lib/main/glibc-hwcaps/x86-64-v2/libresolv.so.2": string(library)}), []string{cacheFile, "usr/lib/main/glibc-hwcaps/x86-64-v2/libresolv.so.2"}},
		"a cache of one's own": {files{"etc/ld.so.conf": "/usr/local/lib\n/usr/lib/main\n", "usr/lib/main/libresolv.so.2": string(library), cacheFile: cacheMagic + strings.Repeat("\xff", 100)}.tree(t),
			[]string{cacheFile}},
		"a link to a cache": {files{"etc/ld.so.conf": "/usr/local/lib\n/usr/lib/main\n", "usr/lib/main/libresolv.so.2": string(library), cacheFile: "-> /var/lib/app/cache"}.tree(t), []string{cacheFile}},
	} {
		if got, err := changes(t, tt.tree, before); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, tt.want)
		}
	}
}

// FuzzCache: no cache makes its reader fail.
func FuzzCache(f *testing.F) {
	f.Add([]byte(cacheMagic + strings.Repeat("\x00", 100)))
	if text, err := os.ReadFile("/etc/ld.so.cache"); err == nil {
		f.Add(text)
	}
	f.Fuzz(func(_ *testing.T, text []byte) { parseCache(text) })
}
