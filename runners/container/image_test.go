package container_test

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// entry is a file of a test layer.
type entry struct {
	tar.Header
	content []byte
}

func file(name, content string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}, []byte(content)}
}

func folder(name string) entry {
	return entry{Header: tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755}}
}

func layerOf(t *testing.T, entries ...entry) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := e.Header
		h.Size = int64(len(e.content))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

// layoutOf writes an image to a new layout and returns both names.
func layoutOf(t *testing.T, config v1.Config, layers ...v1.Layer) (dir, digest string) {
	t.Helper()
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err == nil {
		img, err = mutate.Config(img, config)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "layout")
	path, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = path.AppendImage(img)
	}
	if err != nil {
		t.Fatal(err)
	}
	hash, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return dir, hash.String()
}

var service = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "service-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "service"), "./testdata/service")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return out, err
	}
	return os.ReadFile(filepath.Join(dir, "service"))
})

// serviceLayer holds the test program, a set-uid copy of it, accounts and a
// folder with content.
func serviceLayer(t *testing.T) v1.Layer {
	t.Helper()
	binary, err := service()
	if err != nil {
		t.Fatalf("%v: %s", err, binary)
	}
	return layerOf(t,
		folder("etc"), folder("data"), file("data/seed", "sown"),
		file("etc/passwd", "root:x:0:0::/:/bin/sh\nweb:x:4711:4712::/:/bin/false\n"),
		file("etc/group", "root:x:0:\nweb:x:4712:\nextra:x:4713:web\n"),
		entry{tar.Header{Name: "service", Typeflag: tar.TypeReg, Mode: 0o755}, binary},
		entry{tar.Header{Name: "suid", Typeflag: tar.TypeReg, Mode: 0o4755}, binary},
	)
}
