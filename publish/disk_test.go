package publish_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/publish"
)

func describeDisk(t *testing.T, f publish.DiskFile, cache string) publish.Content {
	t.Helper()
	c, err := publish.Disk(t.Context(), publish.DiskOptions{Files: []publish.DiskFile{f}, App: "web", Platform: "linux/amd64", Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The same content is the same artifact, with holes or without, compressed
// anew or taken from the cache.
func TestDiskHasOneDigest(t *testing.T) {
	dir := t.TempDir()
	data := randomText(1 << 20)
	dense, holey := filepath.Join(dir, "a", "web.raw"), filepath.Join(dir, "b", "web.raw")
	for _, path := range []string{dense, holey} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dense, data+string(make([]byte, 8<<20))+data+string(make([]byte, 5000)))
	f, err := os.Create(holey)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{0, 9 << 20} {
		if _, err := f.WriteAt([]byte(data), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Truncate(10<<20 + 5000); err != nil {
		t.Fatal(err)
	}
	f.Close()
	first := describeDisk(t, publish.DiskFile{Path: dense, Format: "raw"}, filepath.Join(dir, "cache1"))
	second := describeDisk(t, publish.DiskFile{Path: holey, Format: "raw"}, filepath.Join(dir, "cache2"))
	third := describeDisk(t, publish.DiskFile{Path: holey, Format: "raw"}, filepath.Join(dir, "cache2"))
	if first.Manifest.Digest != second.Manifest.Digest || second.Manifest.Digest != third.Manifest.Digest {
		t.Errorf("got %s with zeros, %s with holes and %s from the cache", first.Manifest.Digest, second.Manifest.Digest, third.Manifest.Digest)
	}
	if size := first.Blobs[1].Size; size > 3<<20 {
		t.Errorf("it takes %d bytes to send", size)
	}
}

// The cache is found by the digest that the builder told, and a file that
// turned into another one is not published under it.
func TestDiskIsWhatWasBuilt(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "web.qcow2")
	write(t, path, "the disk")
	built := publish.DiskFile{Path: path, Format: "qcow2", Digest: digest.FromString("the disk").String()}
	key := vouchtest.Key(t)
	c, err := publish.Disk(t.Context(), publish.DiskOptions{Files: []publish.DiskFile{built}, App: "web", Platform: "linux/amd64", Cache: filepath.Join(dir, "cache"), Vouch: key})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Blobs[1].Annotations["dev.bakelite.disk.digest"]; got != built.Digest {
		t.Errorf("the artifact says that the disk is %s, want %s", got, built.Digest)
	}
	write(t, path, "another!")
	again, err := publish.Disk(t.Context(), publish.DiskOptions{Files: []publish.DiskFile{built}, App: "web", Platform: "linux/amd64", Cache: filepath.Join(dir, "cache"), Vouch: key})
	if err != nil {
		t.Fatal(err)
	}
	if again.Manifest.Digest != c.Manifest.Digest {
		t.Errorf("got %s from the cache, want %s", again.Manifest.Digest, c.Manifest.Digest)
	}
	_, err = publish.Disk(t.Context(), publish.DiskOptions{Files: []publish.DiskFile{built}, Cache: filepath.Join(dir, "other cache")})
	if fault.KindOf(err) != fault.Integrity {
		t.Errorf("got %v, want an integrity fault", err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "other cache"))
	if err != nil || len(entries) != 0 {
		t.Errorf("the failure left %v (%v)", entries, err)
	}
}

// TestSwappedPackedDisk plants another disk's packed form under the name of
// the one that is published, with what else lies there. Without the key that
// vouched for the first one it counts for nothing, and so does a damaged one.
func TestSwappedPackedDisk(t *testing.T) {
	dir := t.TempDir()
	path, cache, key := filepath.Join(dir, "web.raw"), filepath.Join(dir, "cache"), vouchtest.Key(t)
	write(t, path, randomText(1<<16))
	describe := func(key vouch.Key) publish.Content {
		t.Helper()
		c, err := publish.Disk(t.Context(), publish.DiskOptions{Files: []publish.DiskFile{{Path: path, Format: "raw"}}, Cache: cache, Vouch: key})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	genuine := describe(key)
	files, err := filepath.Glob(filepath.Join(cache, "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	good, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	evil := filepath.Join(dir, "evil.raw")
	write(t, evil, randomText(1<<15))
	theirs := filepath.Join(dir, "theirs")
	if _, err := publish.Disk(t.Context(), publish.DiskOptions{Files: []publish.DiskFile{{Path: evil, Format: "raw"}}, Cache: theirs, Vouch: vouchtest.Key(t)}); err != nil {
		t.Fatal(err)
	}
	planted, err := filepath.Glob(filepath.Join(theirs, "*"))
	if err != nil || len(planted) != 1 {
		t.Fatal(planted, err)
	}
	foreign, err := os.ReadFile(planted[0])
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(good)
	damaged[len(damaged)/2] ^= 1
	for name, text := range map[string][]byte{"another disk's": foreign, "damaged": damaged, "cut": good[:len(good)-1], "empty": nil} {
		for whose, key := range map[string]vouch.Key{"ours": key, "another": vouchtest.Key(t), "none": {}} {
			write(t, files[0], string(text))
			c := describe(key)
			if got, err := os.ReadFile(files[0]); c.Manifest.Digest != genuine.Manifest.Digest || err != nil || !bytes.Equal(got, good) {
				t.Errorf("%s, key %s: it would publish %s, not %s (%v)", name, whose, c.Manifest.Digest, genuine.Manifest.Digest, err)
			}
		}
	}
}

// What was packed and is gone from the cache is packed again, where it is sent;
// a disk that is another one by then is not.
func TestPackedAgain(t *testing.T) {
	dir := t.TempDir()
	path, cache := filepath.Join(dir, "web.raw"), filepath.Join(dir, "cache")
	write(t, path, randomText(1<<16))
	c := describeDisk(t, publish.DiskFile{Path: path, Format: "raw"}, cache)
	sent := func() ([]byte, error) {
		t.Helper()
		packed, err := filepath.Glob(filepath.Join(cache, "*.zstd-1"))
		if err != nil || len(packed) != 1 {
			t.Fatal(packed, err)
		}
		if err := os.RemoveAll(filepath.Dir(packed[0])); err != nil {
			t.Fatal(err)
		}
		r, err := c.Blobs[1].Open(t.Context())
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	if data, err := sent(); err != nil || digest.FromBytes(data) != c.Blobs[1].Digest {
		t.Errorf("it sends %d bytes, %v", len(data), err)
	}
	write(t, path, randomText(1<<16)+"other")
	if _, err := sent(); fault.KindOf(err) != fault.Integrity {
		t.Errorf("another disk under the same digest gave %v", err)
	}
}

// However many disks are packed, what stays of them is bounded.
func TestPackedIsBounded(t *testing.T) {
	dir := t.TempDir()
	path, cache := filepath.Join(dir, "web.raw"), filepath.Join(dir, "cache")
	for n := range 10 {
		write(t, path, randomText(1<<16)+strconv.Itoa(n))
		if _, err := publish.Disk(t.Context(), publish.DiskOptions{Files: []publish.DiskFile{{Path: path, Format: "raw"}}, App: "web", Cache: cache, Keep: 150 << 10}); err != nil {
			t.Fatal(err)
		}
	}
	if packed, err := filepath.Glob(filepath.Join(cache, "*")); err != nil || len(packed) != 2 {
		t.Errorf("there are %v (%v)", packed, err)
	}
}

// A packed file that changes after it was looked at is found out when it is
// sent.
func TestDamagedCache(t *testing.T) {
	dir := t.TempDir()
	path, cache := filepath.Join(dir, "web.raw"), filepath.Join(dir, "cache")
	write(t, path, randomText(1<<16))
	c := describeDisk(t, publish.DiskFile{Path: path, Format: "raw"}, cache)
	packed, err := filepath.Glob(filepath.Join(cache, "*.zstd-1"))
	if err != nil || len(packed) != 1 {
		t.Fatal(packed, err)
	}
	text, err := os.ReadFile(packed[0])
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	write(t, packed[0], string(text))
	s := registrytest.Open(t, registrytest.Serve(t, registrytest.Memory(), nil)+"/web", registrytest.Fast())
	if _, err := publish.Publish(t.Context(), s, publish.Publication{Content: c, Signed: signed(t, c), Tags: []string{"latest"}}); fault.KindOf(err) != fault.Integrity {
		t.Errorf("got %v, want an integrity fault", err)
	}
	if vouched(t, s, "latest") {
		t.Error("the tag is there")
	}
}

// A large disk that is mostly holes is streamed.
func TestSparseDiskNeedsLittleMemory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "web.raw")
	write(t, path, randomText(1<<20))
	if err := os.Truncate(path, 2<<30); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c := describeDisk(t, publish.DiskFile{Path: path, Format: "raw"}, filepath.Join(dir, "cache"))
	s := registrytest.Open(t, registry.LayoutPrefix+filepath.Join(dir, "repo"), registrytest.Fast())
	if _, err := publish.Publish(t.Context(), s, publish.Publication{Content: c, Signed: signed(t, c)}); err != nil {
		t.Fatal(err)
	}
	back := filepath.Join(dir, "back.raw")
	if err := publish.PullFile(t.Context(), s, c.Manifest.Digest, "raw", back); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 256<<20 {
		t.Errorf("%d MiB were allocated for a disk of 2 GiB", used>>20)
	}
	info, err := os.Stat(back)
	if err != nil || info.Size() != 2<<30 {
		t.Fatalf("the disk came back as %v (%v)", info, err)
	}
	du, err := os.Open(back)
	if err != nil {
		t.Fatal(err)
	}
	defer du.Close()
	if data, err := du.Seek(2<<20, 3); err == nil && data < 2<<30 { // SEEK_DATA
		t.Errorf("there is data at %d where zeros were", data)
	}
}

// KubeVirt boots the one file in /disk, which belongs to qemu's user.
func TestContainerDisk(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "web.qcow2")
	write(t, path, "the disk")
	c, err := publish.ContainerDisk(t.Context(), publish.DiskOptions{
		Files: []publish.DiskFile{{Path: path, Format: "qcow2"}}, App: "web", Platform: "linux/amd64", Cache: filepath.Join(dir, "cache"),
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Blobs[0].Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	tr := tar.NewReader(bytes.NewReader(inner))
	var last *tar.Header
	for h, err := tr.Next(); err == nil; h, err = tr.Next() {
		if h.Uid != 107 || h.Gid != 107 || !h.ModTime.IsZero() && h.ModTime.Unix() != 0 {
			t.Errorf("%s belongs to %d:%d and is of %v, want 107:107 and no time", h.Name, h.Uid, h.Gid, h.ModTime)
		}
		last = h
		if h.Name == "disk/web.qcow2" {
			if text, err := io.ReadAll(tr); err != nil || string(text) != "the disk" {
				t.Errorf("the file holds %q (%v)", text, err)
			}
		}
	}
	if last == nil || last.Name != "disk/web.qcow2" {
		t.Errorf("the layer ends with %v, want the disk", last)
	}
	s := registrytest.Open(t, registry.LayoutPrefix+filepath.Join(dir, "repo"), registrytest.Fast())
	if _, err := publish.Publish(t.Context(), s, publish.Publication{Content: c, Signed: signed(t, c), Tags: []string{"disk"}}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(readAll(t, c.Blobs[1]), []byte(digest.FromBytes(inner))) {
		t.Error("the config does not name the layer's uncompressed digest")
	}
}

func readAll(t *testing.T, b registry.Blob) []byte {
	t.Helper()
	r, err := b.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
