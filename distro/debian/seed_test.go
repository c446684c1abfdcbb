package debian_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

// seedDemo is an archive with every root of the seed, of which apt depends on
// alternatives, a versioned package and a virtual one.
func seedDemo() []archivetest.Package {
	packages := []archivetest.Package{
		{Name: "apt", Version: "3", Fields: "Depends: missing | libapt (>= 2), awk, libc6:any\n", Packing: ".gz",
			Entries: []tar.Header{dir("./usr/bin/"), file("./usr/bin/apt-get"), hard("./usr/bin/aaa", "./usr/bin/apt-get")}},
		{Name: "libapt", Version: "2", Packing: ".zst", Entries: []tar.Header{{Typeflag: tar.TypeDir, Name: "./usr/share/shared", Mode: 0o700}, file("./usr/lib/libapt.so.2"), link("./usr/lib/libapt.so", "libapt.so.2")}},
		{Name: "gawk", Version: "1", Fields: "Provides: awk\n"},
		{Name: "mawk", Version: "1", Fields: "Provides: awk\nPriority: required\n", Entries: []tar.Header{dir("./usr/share/shared"), file("./usr/bin/mawk")}},
		{Name: "libc6", Version: "2", Entries: []tar.Header{file("./lib/ld.so"), link("./lib64/ld-linux.so.2", "/lib/ld.so")}},
		{Name: "base-files", Version: "1", Entries: []tar.Header{dir("./"), {Typeflag: tar.TypeDir, Name: "./tmp/", Mode: 0o1777}, link("./lib", "usr/lib"), {Typeflag: tar.TypeReg, Name: "./usr/bin/su", Mode: 0o4755}}},
	}
	packages = append(packages, archivetest.Package{Name: "dash", Version: "1", Entries: []tar.Header{file("./bin/dash")}})
	for _, name := range []string{"coreutils", "diffutils", "dpkg", "findutils", "grep", "gzip", "libc-bin", "sed", "tar"} {
		packages = append(packages, archivetest.Package{Name: name, Version: "1"})
	}
	return packages
}

func seedOf(t *testing.T, packages ...archivetest.Package) (*debian.Client, []lock.Pin) {
	t.Helper()
	a := newLocalArchive(t, packages...)
	c := a.client(debian.Options{})
	s, err := c.Snapshot(context.Background(), "trixie", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	pins, err := debian.SeedPins(s)
	if err == nil {
		err = c.Fetch(context.Background(), pins, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, pins
}

func TestSeedPinsAreClosedOverDependencies(t *testing.T) {
	_, pins := seedOf(t, seedDemo()...)
	var names []string
	for _, p := range pins {
		names = append(names, p.Name)
	}
	want := "apt base-files coreutils dash diffutils dpkg findutils grep gzip libapt libc-bin libc6 mawk sed tar"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got %s", got)
	}
}

func TestSeedPinsNameWhatIsMissing(t *testing.T) {
	for fields, want := range map[string]string{
		"Depends: libapt (>= 3)\n": "depends on libapt", "Depends: awk (>= 1)\n": "depends on awk", "Depends: ((\n": "names no package",
	} {
		packages := seedDemo()
		packages[0].Fields = fields
		a := newLocalArchive(t, packages...)
		s, err := a.client(debian.Options{}).Snapshot(context.Background(), "trixie", "amd64")
		if err != nil {
			t.Fatal(err)
		}
		if _, err = debian.SeedPins(s); fault.KindOf(err) != fault.Integrity || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q: got %v", fields, err)
		}
	}
}

func TestSeedLayerIsTheSameForAnyOrder(t *testing.T) {
	c, pins := seedOf(t, seedDemo()...)
	var first bytes.Buffer
	if err := c.SeedLayer(context.Background(), &first, pins); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		slices.Reverse(pins)
		pins = slices.Concat(pins[i:], pins[:i])
		var again bytes.Buffer
		if err := c.SeedLayer(context.Background(), &again, pins); err != nil || !bytes.Equal(first.Bytes(), again.Bytes()) {
			t.Fatalf("another order gives other bytes: %v", err)
		}
	}
}

func TestSeedLayerHoldsASystem(t *testing.T) {
	c, pins := seedOf(t, seedDemo()...)
	var b bytes.Buffer
	if err := c.SeedLayer(context.Background(), &b, pins); err != nil {
		t.Fatal(err)
	}
	var lines, names []string
	for r := tar.NewReader(&b); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(r)
		names = append(names, strings.TrimSuffix(h.Name, "/"))
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%c %04o %s %s %s", h.Typeflag, h.Mode, h.Name, h.Linkname, bytes.TrimSpace(body))))
		if !h.ModTime.Equal(released) || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%s: time %v, owner %d %q", h.Name, h.ModTime, h.Uid, h.Uname)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("not sorted: %v", names)
	}
	for _, want := range []string{
		"2 0777 bin usr/bin", "2 0777 lib usr/lib", "2 0777 lib64 usr/lib64", "2 0777 sbin usr/sbin",
		"5 1777 tmp/", "5 0700 usr/share/shared/", "5 0755 usr/sbin/", "5 0755 var/lib/dpkg/info/", "0 0644 var/lib/dpkg/status",
		"2 0777 usr/bin/sh dash", "2 0755 usr/lib64/ld-linux.so.2 /lib/ld.so", "0 0755 usr/lib/ld.so  I am ./lib/ld.so", "0 0755 usr/bin/aaa  I am ./usr/bin/apt-get",
		"1 0755 usr/bin/apt-get usr/bin/aaa", "2 0755 usr/lib/libapt.so libapt.so.2", "0 4755 usr/bin/su  I am ./usr/bin/su",
		"0 0644 etc/passwd  root:x:0:0:root:/root:/bin/sh",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no entry %q in\n%s", want, strings.Join(lines, "\n"))
		}
	}
}

func TestUnpackSeed(t *testing.T) {
	c, pins := seedOf(t, seedDemo()...)
	seed, err := c.UnpackSeed(context.Background(), pins)
	if err != nil || seed.Arch != "amd64" {
		t.Fatalf("got %+v, %v", seed, err)
	}
	body, err := os.ReadFile(filepath.Join(seed.Dir, "lib/ld.so"))
	if err != nil || string(body) != "I am ./lib/ld.so\n" {
		t.Errorf("got %q, %v", body, err)
	}
	info, err := os.Stat(filepath.Join(seed.Dir, "usr/bin/su"))
	if err != nil || info.Mode() != 0o755 {
		t.Errorf("set-id bits reached the cache: %v, %v", info.Mode(), err)
	}
	slices.Reverse(pins)
	if again, err := c.UnpackSeed(context.Background(), pins); err != nil || again != seed {
		t.Errorf("unpacked again to %v, %v", again, err)
	}
}

// TestSwappedSeed swaps a program of an unpacked seed, which would run on this
// machine: it is unpacked again, and what is whole is left alone.
func TestSwappedSeed(t *testing.T) {
	c, pins := seedOf(t, seedDemo()...)
	ctx := context.Background()
	seed, err := c.UnpackSeed(ctx, pins)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(seed.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.UnpackSeed(ctx, pins); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(seed.Dir); err != nil || !os.SameFile(before, after) {
		t.Errorf("a whole seed was unpacked again: %v", err)
	}
	program := filepath.Join(seed.Dir, "lib/ld.so")
	if err := os.WriteFile(program, []byte("evil"), 0o755); err != nil {
		t.Fatal(err)
	}
	if again, err := c.UnpackSeed(ctx, pins); err != nil || again != seed {
		t.Fatalf("got %v, %v", again, err)
	}
	if text, err := os.ReadFile(program); err != nil || string(text) != "I am ./lib/ld.so\n" {
		t.Errorf("the program is %q (%v)", text, err)
	}
}

// attack wants the seed refused with a package that holds the entries, and
// nothing written outside.
func attack(t *testing.T, want string, entries ...tar.Header) {
	t.Helper()
	packages := append(seedDemo(), archivetest.Package{Name: "evil", Version: "1", Entries: entries})
	packages[0].Fields = "Depends: libapt, evil\n"
	c, pins := seedOf(t, packages...)
	seed, err := c.UnpackSeed(context.Background(), pins)
	if fault.KindOf(err) != fault.Integrity || err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "evil") {
		t.Errorf("got %v, %v; want %s", seed, err, want)
	}
}

func TestSeedRefusesPathTraversal(t *testing.T) {
	attack(t, "leaves the tree", file("./usr/../../evil"))
}

func TestSeedRefusesFileThroughASymlink(t *testing.T) {
	attack(t, "which is no folder", link("./opt/evil", "/etc"), file("./opt/evil/passwd"))
}

func TestSeedRefusesReplacingALibrary(t *testing.T) {
	attack(t, "with other content", tar.Header{Typeflag: tar.TypeSymlink, Name: "./usr/lib/libapt.so.2", Linkname: "evil"})
}

func TestSeedRefusesHardLinkToAnotherPackagesFile(t *testing.T) {
	attack(t, "no such file is in the package", hard("./usr/bin/evil", "./usr/bin/su"))
}

func TestSeedRefusesMovingALibraryFolder(t *testing.T) {
	attack(t, "with other content", link("./lib64", "opt/evil"))
}

func TestSeedRefusesSymlinkOut(t *testing.T) {
	attack(t, "leaves the tree", link("./usr/evil", "../../../etc/passwd"))
}

func TestSeedRefusesDamagedCache(t *testing.T) {
	c, pins := seedOf(t, seedDemo()...)
	if err := os.WriteFile(c.Deb(pins[0]), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := c.SeedLayer(context.Background(), io.Discard, pins)
	if fault.KindOf(err) != fault.Integrity || fault.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
}

func TestFetch(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	cache := t.TempDir()
	c := a.client(debian.Options{Cache: cache})
	ctx := context.Background()
	s, err := c.Snapshot(ctx, "trixie", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	pins := []lock.Pin{s.Package("nginx").Pin, s.Find("zlib1g", "1:1.3-2", "amd64").Pin, s.Package("nginx").Pin}
	var last debian.Progress
	calls := 0
	if err := c.Fetch(ctx, pins, func(p debian.Progress) { last = p; calls++ }); err != nil {
		t.Fatal(err)
	}
	want := debian.Progress{Done: 2, Total: 2, DoneBytes: pins[0].Size + pins[1].Size, TotalBytes: pins[0].Size + pins[1].Size}
	if last != want || calls != 2 {
		t.Errorf("progress %+v in %d calls", last, calls)
	}
	data, err := os.ReadFile(c.Deb(pins[0]))
	if err != nil || archivetest.Sum(data) != pins[0].SHA256 {
		t.Errorf("the cache holds something else: %v", err)
	}
	a.URL = "http://127.0.0.1:1"
	if err := a.client(debian.Options{Cache: cache}).Fetch(ctx, pins, nil); err != nil {
		t.Errorf("the cache was not used: %v", err)
	}
}

func TestFetchRefusesWrongHash(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	c := a.client(debian.Options{})
	s, err := c.Snapshot(context.Background(), "trixie", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	pin := s.Package("nginx").Pin
	a.Change(pin.Path, func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
	err = c.Fetch(context.Background(), []lock.Pin{pin}, nil)
	if fault.KindOf(err) != fault.Integrity || !strings.Contains(fmt.Sprint(err), "nginx 1.26-1") || fault.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(c.Deb(pin)); err == nil {
		t.Error("the wrong content is in the cache")
	}
}

func TestFetchRefusesPinsThatLeaveTheArchive(t *testing.T) {
	a := newLocalArchive(t)
	for _, path := range []string{"../x", "/etc/passwd", "pool/../../x", "pool/x?y", ""} {
		err := a.client(debian.Options{}).Fetch(context.Background(), []lock.Pin{{Name: "x", Archive: "debian", Path: path, SHA256: archivetest.Sum(nil), Size: 1}}, nil)
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: got %v", path, err)
		}
	}
}

func TestFetchOfASupersededPackageSaysSo(t *testing.T) {
	a := newLocalArchive(t)
	err := a.client(debian.Options{}).Fetch(context.Background(), []lock.Pin{{Name: "x", Archive: "debian", Path: "pool/x.deb", SHA256: archivetest.Sum(nil), Size: 1}}, nil)
	if fault.KindOf(err) != fault.Network || !strings.Contains(fault.HintOf(err), "make the lock again") {
		t.Errorf("got %v; %s", err, fault.HintOf(err))
	}
}
