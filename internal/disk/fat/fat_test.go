package fat

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/disk/format"
	"github.com/bakelite/bakelite/internal/disk/imagefile"
	"github.com/bakelite/bakelite/internal/fault"
)

func options() Options {
	return Options{VolumeID: 0xBA4E117E, Epoch: time.Date(2026, 5, 17, 13, 14, 16, 0, time.UTC)}
}

func text(path, content string) File {
	return File{Path: path, Content: bytes.NewReader([]byte(content))}
}

func writeFile(t *testing.T, files []File) string {
	t.Helper()
	m, err := Build(files, options())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "fat.img"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw, err := format.Lookup("raw")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := imagefile.Write(context.Background(), f, raw, m, imagefile.Meta{}); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("SKIPPED: %s is not installed, so nothing but our own code read the file system (apt-get install dosfstools mtools)", name)
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "TZ=UTC", "MTOOLS_SKIP_CHECK=0", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// samples are file systems by what is special about them.
func samples() map[string][]File {
	big := make([]byte, 50<<20)
	rand.NewChaCha8([32]byte{1}).Read(big)
	var many []File
	for i := range 300 {
		many = append(many, text(fmt.Sprintf("loader/entries/a long name that needs an alias %d.conf", i), strings.Repeat("x", i*7)))
	}
	return map[string][]File{
		"empty":       nil,
		"empty file":  {text("EMPTY", "")},
		"UKI":         {{Path: "EFI/BOOT/BOOTX64.EFI", Content: bytes.NewReader(big)}, text("EFI/Linux/bakelite_1.2.3+4.efi", "x")},
		"many":        many,
		"cluster":     {text("A/B/C/D.TXT", strings.Repeat("y", 512)), text("A/B/E", strings.Repeat("z", 513))},
		"names":       {text(".hidden", "1"), text("a.b.c", "2"), text("lower.txt", "3"), text("LONGER-THAN-8.TXT", "4"), text("LONGER-THAN-9.TXT", "5"), text("with space", "6"), text("LONGER~1.TXT", "7"), text("plus+[x]", "8"), text("exactly13char", "9"), text("A.LONG", "a"), text(strings.Repeat("n", 255), "b")},
		"full folder": manyShort(16*4 - 2),
	}
}

// manyShort fills a folder of n entries, so that it ends where a cluster ends.
func manyShort(n int) []File {
	var files []File
	for i := range n {
		files = append(files, text(fmt.Sprintf("D/F%d", i), "."))
	}
	return files
}

func TestToolsReadBackEveryFile(t *testing.T) {
	for name, files := range samples() {
		t.Run(name, func(t *testing.T) {
			path := writeFile(t, files)
			if out := run(t, "fsck.vfat", "-n", "-V", path); strings.Contains(out, "differences") || !strings.Contains(out, "files, ") {
				t.Error(out)
			}
			to := t.TempDir()
			run(t, "mcopy", "-s", "-n", "-i", path, "::/", to)
			for _, f := range files {
				want := make([]byte, f.Content.Size())
				if _, err := f.Content.ReadAt(want, 0); err != nil && len(want) > 0 {
					t.Fatal(err)
				}
				got, err := os.ReadFile(filepath.Join(to, f.Path))
				if err != nil || sha256.Sum256(got) != sha256.Sum256(want) {
					t.Errorf("%s: %d bytes, %v; want %d", f.Path, len(got), err, len(want))
				}
			}
		})
	}
}

func TestOptionsAreInTheFileSystem(t *testing.T) {
	path := writeFile(t, []File{text("EFI/BOOT/BOOTX64.EFI", "x")})
	out := run(t, "mdir", "-i", path, "::/EFI/BOOT")
	for _, want := range []string{"BA4E-117E", "2026-05-17  13:14", "BOOTX64  EFI"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestSameFilesSameBytes(t *testing.T) {
	files := samples()["names"]
	first, err := os.ReadFile(writeFile(t, files))
	if err != nil {
		t.Fatal(err)
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	second, err := os.ReadFile(writeFile(t, files))
	if err != nil || !bytes.Equal(first, second) {
		t.Error("the order of the files shows in the file system", err)
	}
}

// zeroes is large content that takes no memory.
type zeroes int64

func (z zeroes) Size() int64 { return int64(z) }
func (zeroes) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

func TestLargeVolumesHaveLargerClusters(t *testing.T) {
	for _, size := range []int64{255 << 20, 300 << 20, 3 << 30} {
		path := writeFile(t, []File{{Path: "BIG", Content: zeroes(size)}, text("SMALL", "s")})
		if out := run(t, "fsck.vfat", "-n", path); strings.Contains(out, "differences") {
			t.Error(out)
		}
		if out := run(t, "mtype", "-i", path, "::/SMALL"); out != "s" {
			t.Errorf("SMALL holds %q", out)
		}
	}
}

func TestVolumesKeepTheirBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	for range 2000 {
		used := r.Int64N(maxClusters) + 1
		for _, size := range clusterSizes() {
			v := newVolume(size, used, options())
			if v.clusters < minClusters || v.clusters < used || (v.clusters+rootCluster)*4 > v.fatSectors*sector ||
				v.offset(v.clusters+rootCluster) > v.sectors*sector || v.sectors*sector%unit != 0 {
				t.Fatalf("%d clusters of %d: %+v", used, size, v)
			}
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, files := range map[string][]File{
		"absolute":       {text("/EFI", "")},
		"parent":         {text("../EFI", "")},
		"empty":          {text("", "")},
		"root":           {text(".", "")},
		"colon":          {text("a:b", "")},
		"backslash":      {text(`EFI\BOOT`, "")},
		"not ASCII":      {text("bäkelite", "")},
		"newline":        {text("a\nb", "")},
		"dot at the end": {text("a.", "")},
		"space at end":   {text("a /b", "")},
		"too long":       {text(strings.Repeat("n", 256), "")},
		"twice":          {text("a", ""), text("a", "")},
		"case":           {text("EFI/a", ""), text("efi/b", "")},
		"file as folder": {text("a", ""), text("a/b", "")},
		"folder as file": {text("a/b", ""), text("a", "")},
		"no content":     {{Path: "a"}},
		"too large":      {{Path: "a", Content: zeroes(4 << 30)}},
		"all too large":  {{Path: "a", Content: zeroes(4<<30 - 1)}, {Path: "b", Content: zeroes(4<<30 - 1)}, {Path: "c", Content: zeroes(4<<30 - 1)}, {Path: "d", Content: zeroes(4<<30 - 1)}, {Path: "e", Content: zeroes(4<<30 - 1)}},
		"too many":       make([]File, MaxFiles+1),
	} {
		if _, err := Build(files, options()); err == nil || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTimesOutsideOfFATAreClamped(t *testing.T) {
	for year, want := range map[int]uint16{1970: 0<<9 | 1<<5 | 1, 2200: 127<<9 | 12<<5 | 31} {
		if got := dosTime(time.Date(year, 6, 7, 8, 9, 10, 0, time.UTC)); got.date != want {
			t.Errorf("%d became %#x, want %#x", year, got.date, want)
		}
	}
}

func FuzzAliasesAreShortAndUnique(f *testing.F) {
	f.Add("lower.txt", "LOWER~1.TXT")
	f.Add(".hidden", "a+b.c d")
	f.Fuzz(func(t *testing.T, a, b string) {
		m, err := Build([]File{text(a, "a"), text(b, "b")}, options())
		if err != nil {
			return
		}
		root := make([]byte, 2048)
		if _, err := m.ReadAt(root, reserved*sector+2*newVolume(512, 1, options()).fatSectors*sector); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(a+b, "/") {
			return
		}
		seen := map[string]bool{}
		for e := root; e[0] != 0 && len(e) > entrySize; e = e[entrySize:] {
			name := string(e[:11])
			if e[11] == attrLong {
				continue
			}
			if seen[name] || strings.ToUpper(name) != name || strings.ContainsAny(name, `+,;=[]."*/:<>?\|`) {
				t.Errorf("%q and %q gave the short name %q", a, b, name)
			}
			seen[name] = true
		}
		if len(seen) != 2 {
			t.Errorf("%q and %q gave %d entries", a, b, len(seen))
		}
	})
}

var _ disk.Content = zeroes(0)
