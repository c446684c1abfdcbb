package regular_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
)

// TestPipeWithoutWriter: whatever is no regular file is refused at once, and
// named.
func TestPipeWithoutWriter(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("pipe", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, "socket")); err == nil {
		defer l.Close()
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, kind := range map[string]string{"pipe": "named pipe", "link": "named pipe", "folder": "folder", "socket": "socket"} {
		for way, open := range map[string]func() (*os.File, error){
			"by path":      func() (*os.File, error) { return regular.Open(filepath.Join(dir, name)) },
			"below a root": func() (*os.File, error) { return regular.OpenIn(root, name) },
		} {
			if err := soon(t, open); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), kind) {
				t.Errorf("%s, %s: %v", name, way, err)
			}
		}
	}
	if err := soon(t, func() (*os.File, error) { return regular.Open("/dev/null") }); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a device: %v", err)
	}
}

// soon returns the error of an open that must not wait.
func soon(t *testing.T, open func() (*os.File, error)) error {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	failed := make(chan error, 1)
	go func() {
		f, err := open()
		if err == nil {
			f.Close()
		}
		failed <- err
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		t.Fatal("it waits for a writer")
		return nil
	}
}

func TestRegularFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, filepath.Join(dir, "link")} {
		if text, err := regular.ReadFile(name, 4); string(text) != "text" || err != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	var long *limit.Error
	if _, err := regular.ReadFile(path, 3); !errors.As(err, &long) {
		t.Errorf("a file that is longer than its limit: %v", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if text, err := regular.ReadFileIn(root, "link", 4); string(text) != "text" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := regular.ReadFileIn(root, "../"+filepath.Base(dir)+"/file", 4); err == nil {
		t.Error("it leads out of the folder")
	}
	if _, err := regular.Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := regular.OpenIn(root, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestReadNamed: an error tells a file that is not there from one that nobody
// should have named, and who asks about a file is asked of the one opened.
func TestReadNamed(t *testing.T) {
	dir, refused := t.TempDir(), errors.New("refused")
	pipe, file := filepath.Join(dir, "pipe"), filepath.Join(dir, "file")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("four"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := regular.ReadNamed(file, 4, nil); err != nil || string(data) != "four" {
		t.Errorf("read %q, %v", data, err)
	}
	for path, kind := range map[string]fault.Kind{
		pipe: fault.Invalid, file: fault.Invalid, dir: fault.Invalid, filepath.Join(dir, "none"): fault.Missing,
		filepath.Join(file, "below"): fault.Invalid,
	} {
		if _, err := regular.ReadNamed(path, 3, nil); err == nil || fault.KindOf(err) != kind || !strings.HasPrefix(err.Error(), "reading "+path) {
			t.Errorf("%s gave %v", path, err)
		}
	}
	if _, err := regular.ReadNamed(file, 4, func(info fs.FileInfo) error {
		if info.Size() == 4 {
			return refused
		}
		return nil
	}); !errors.Is(err, refused) {
		t.Errorf("a refused file gave %v", err)
	}
}
