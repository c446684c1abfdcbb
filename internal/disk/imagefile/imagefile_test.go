package imagefile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/disk/format"
	"github.com/bakelite/bakelite/internal/fault"
)

func meta() Meta {
	return Meta{ID: disk.GUID{1, 2, 3}, Epoch: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

// qemuDriver returns the name that qemu-img has for a format.
func qemuDriver(name string) string {
	if name == "vhd" {
		return "vpc"
	}
	return name
}

func qemuImg(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Skip("SKIPPED: qemu-img is not installed, so nothing but our own code read these files (apt-get install qemu-utils)")
	}
	if out, err := exec.Command("qemu-img", args...).CombinedOutput(); err != nil {
		t.Errorf("qemu-img %v: %v\n%s", args, err, out)
	}
}

// image returns a disk of size bytes with runs of noise, text and zeroes.
func image(t testing.TB, r *rand.Rand, size int64) disk.Image {
	t.Helper()
	var extents []disk.Extent
	for at := r.Int64N(size / 3); at < size; {
		data := make([]byte, min(1+r.Int64N(300<<10), size-at))
		switch r.IntN(3) {
		case 0:
			for i := range data {
				data[i] = byte(r.Uint32())
			}
		case 1:
			copy(data, bytes.Repeat([]byte("bakelite "), len(data)/9))
		}
		extents = append(extents, disk.Extent{Offset: at, Content: bytes.NewReader(data)})
		at += int64(len(data)) + r.Int64N(size/3)*int64(r.IntN(2))
	}
	m, err := disk.NewImage(size, extents...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// write writes to a new file and to memory, compares both, and returns the file.
func write(t *testing.T, f format.Format, m disk.Image) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk"+f.Extension)
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got, err := Write(context.Background(), file, f, m, meta())
	if err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	again, err := Write(context.Background(), &plain, f, m, meta())
	if err != nil || again != got {
		t.Fatalf("second write = %v, %v; first %v", again, err, got)
	}
	data, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(data, plain.Bytes()) {
		t.Fatalf("file and stream differ: %v", err)
	}
	sum := sha256.Sum256(data)
	if got.Size != int64(len(data)) || got.Digest != "sha256:"+hex.EncodeToString(sum[:]) {
		t.Fatalf("Written = %v, file has %d bytes and digest %x", got, len(data), sum)
	}
	return path
}

func writeBytes(t *testing.T, m disk.Image) string {
	t.Helper()
	b := make([]byte, m.Size())
	if _, err := m.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFormatsReadAsTheDisk(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	empty, err := disk.NewImage(3 << 20)
	if err != nil {
		t.Fatal(err)
	}
	images := []disk.Image{empty}
	for range 6 {
		images = append(images, image(t, r, (1+r.Int64N(40))<<20))
	}
	for _, f := range format.All() {
		t.Run(f.Name, func(t *testing.T) {
			for _, m := range images {
				path, plain := write(t, f, m), writeBytes(t, m)
				back := filepath.Join(t.TempDir(), "back")
				if f.Name == "qcow2" || f.Name == "vmdk" {
					qemuImg(t, "check", "-q", "-f", f.Name, path)
				}
				qemuImg(t, "convert", "-f", qemuDriver(f.Name), "-O", "raw", path, back)
				if out, err := exec.Command("cmp", plain, back).CombinedOutput(); err != nil {
					t.Errorf("disk of %d bytes: %s", m.Size(), out)
				}
			}
		})
	}
}

func TestQCOW2EndsWithAWholeCluster(t *testing.T) {
	m, err := disk.NewImage(1<<20+512, disk.Extent{Offset: 1 << 20, Content: bytes.NewReader([]byte("end"))})
	if err != nil {
		t.Fatal(err)
	}
	f, err := format.Lookup("qcow2")
	if err != nil {
		t.Fatal(err)
	}
	path, back := write(t, f, m), filepath.Join(t.TempDir(), "back")
	if info, err := os.Stat(path); err != nil || info.Size()%cluster != 0 {
		t.Errorf("file is %v, %v", info, err)
	}
	qemuImg(t, "check", "-q", "-f", "qcow2", path)
	qemuImg(t, "convert", "-f", "qcow2", "-O", "raw", path, back)
	if out, err := exec.Command("cmp", writeBytes(t, m), back).CombinedOutput(); err != nil {
		t.Errorf("%s", out)
	}
}

// A large disk needs more than one table of each kind, and an L1 table or a
// directory of more than one cluster.
func TestLargeDisks(t *testing.T) {
	const size = 5 << 40
	var extents []disk.Extent
	var reads []string
	for _, at := range []int64{0, 64 << 10, 32<<20 - 512, 32 << 20, 513 << 20, 700 << 30, size - 512} {
		extents = append(extents, disk.Extent{Offset: at, Content: bytes.NewReader(bytes.Repeat([]byte("d"), 512))})
		reads = append(reads, "-c", fmt.Sprintf("read -P %d %d 512", 'd', at))
	}
	reads = append(reads, "-c", fmt.Sprintf("read -P 0 %d 512", int64(600<<30)))
	m, err := disk.NewImage(size, extents...)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"qcow2", "vmdk"} {
		f, err := format.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		path := write(t, f, m)
		qemuImg(t, "check", "-q", "-f", name, path)
		if out, err := exec.Command("qemu-io", append([]string{"-r", "-f", name, path}, reads...)...).CombinedOutput(); err != nil || bytes.Contains(out, []byte("failed")) {
			t.Errorf("reading %s: %v\n%s", name, err, out)
		}
	}
}

func TestQCOW2CountsItsOwnClusters(t *testing.T) {
	for _, n := range []int{0, 1, perBlock - 9, perBlock - 8, perBlock - 7, perBlock - 6, perBlock - 5, 3 * perBlock} {
		used := make([]int64, n)
		for i := range used {
			used[i] = int64(i)
		}
		q := planQCOW2(int64(n+1)*cluster, used)
		if q.blocks != ceil(q.clusters(), perBlock) || q.refs != ceil(q.blocks, perTable) {
			t.Errorf("%d clusters: %d blocks in %d clusters for %d", n, q.blocks, q.refs, q.clusters())
		}
	}
}

// changing is content that is not the same twice.
type changing struct{ reads *int }

func (changing) Size() int64 { return 4 }
func (c changing) ReadAt(p []byte, _ int64) (int, error) {
	p[0] = byte(*c.reads)
	*c.reads++
	return len(p), nil
}

func TestChangingContentIsAnError(t *testing.T) {
	f, err := format.Lookup("qcow2")
	if err != nil {
		t.Fatal(err)
	}
	m, err := disk.NewImage(1<<20, disk.Extent{Content: changing{new(int)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(context.Background(), &bytes.Buffer{}, f, m, meta()); fault.KindOf(err) != fault.Integrity {
		t.Errorf("got %v", err)
	}
}

func TestZeroesBecomeHoles(t *testing.T) {
	m, err := disk.NewImage(64<<20, disk.Extent{Offset: 1 << 20, Content: bytes.NewReader([]byte("data"))})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"raw", "vhd"} {
		f, err := format.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		var st syscall.Stat_t
		if err := syscall.Stat(write(t, f, m), &st); err != nil {
			t.Fatal(err)
		}
		if st.Blocks*512 > 1<<20 {
			t.Errorf("%s: %d bytes are allocated", name, st.Blocks*512)
		}
	}
}

func TestOldContentDoesNotShineThrough(t *testing.T) {
	f, err := format.Lookup("raw")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, bytes.Repeat([]byte{0xFF}, 5<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	m, err := disk.NewImage(2 << 20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(context.Background(), file, f, m, meta()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, make([]byte, 2<<20)) {
		t.Errorf("file of %d bytes is not the disk: %v", len(got), err)
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, f := range format.All() {
		odd, err := disk.NewImage(1<<20 + 100)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Write(context.Background(), &bytes.Buffer{}, f, odd, meta()); fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
			t.Errorf("%s of odd size: %v", f.Name, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		m := image(t, rand.New(rand.NewPCG(9, 9)), 3<<20)
		if _, err := Write(ctx, &bytes.Buffer{}, f, m, meta()); fault.KindOf(err) != fault.Cancelled {
			t.Errorf("%s when cancelled: %v", f.Name, err)
		}
		if _, err := Write(context.Background(), full{}, f, m, meta()); !errors.Is(err, syscall.ENOSPC) || fault.KindOf(err) != fault.Build {
			t.Errorf("%s on a full disk: %v", f.Name, err)
		}
	}
	if _, err := format.Lookup("vdi"); fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
		t.Errorf("format.Lookup: %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestVHDFooter(t *testing.T) {
	b := vhdFooter(127<<30, meta())
	sum := b[64:68]
	want := bytes.Clone(sum)
	clear(sum)
	if c := vhdChecksum(b); want[0] != byte(c>>24) || want[3] != byte(c) {
		t.Errorf("checksum %x, want %08x", want, c)
	}
	for _, c := range []struct{ sectors, want int64 }{
		// Computed with the pseudocode of the specification's appendix.
		{2048, 30<<16 | 4<<8 | 17}, {4 << 20, 4161<<16 | 16<<8 | 63}, {1 << 40, 65535<<16 | 16<<8 | 255},
	} {
		if got := vhdGeometry(c.sectors); int64(got) != c.want {
			t.Errorf("geometry of %d sectors = %#x, want %#x", c.sectors, got, c.want)
		}
	}
}

// BenchmarkWrite writes a disk of 2 GiB with 130 MiB of noise, as a system's
// compressed root filesystem is.
func BenchmarkWrite(b *testing.B) {
	data := make([]byte, 130<<20)
	r := rand.NewChaCha8([32]byte{})
	r.Read(data)
	m, err := disk.NewImage(2<<30, disk.Extent{Offset: 1 << 20, Content: bytes.NewReader(data)})
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range format.All() {
		b.Run(f.Name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				file, err := os.Create(filepath.Join(b.TempDir(), "disk"))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := Write(context.Background(), file, f, m, meta()); err != nil {
					b.Fatal(err)
				}
				file.Close()
			}
		})
	}
}
