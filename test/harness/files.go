package harness

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
)

// Read returns a file's text.
func Read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// WriteFile writes a file and the folders above it, and returns its path.
func WriteFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Folder is a new folder below that of the tests.
func Folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(Here.Dir, "folder-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Absent fails the test where a layout is there that something was published
// to.
func Absent(t *testing.T, layout string) {
	t.Helper()
	if _, err := os.Stat(strings.TrimPrefix(layout, registry.LayoutPrefix)); !os.IsNotExist(err) {
		t.Errorf("%s is there (%v)", layout, err)
	}
}

// Overwrite writes a file into a folder that is there.
func Overwrite(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// JSON writes a value as JSON, which YAML reads too.
func JSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Tool runs a program of this machine that must succeed.
func Tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// FileSize is a file's size in bytes.
func FileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// FlipByte changes one bit of the byte at an offset; twice changes nothing.
func FlipByte(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	one := make([]byte, 1)
	if _, err := f.ReadAt(one, at); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{one[0] ^ 1}, at); err != nil {
		t.Fatal(err)
	}
}

// Partition is one of a raw disk; Start and Size are in sectors.
type Partition struct {
	Start, Size int64
	UUID, Name  string
}

// Sector is the size of one, in bytes.
const Sector = 512

// Partitions reads a raw disk's table by sfdisk, by the partitions' labels.
func Partitions(t *testing.T, disk string) map[string]Partition {
	t.Helper()
	var table struct {
		PartitionTable struct{ Partitions []Partition }
	}
	if err := json.Unmarshal([]byte(Tool(t, "sfdisk", "--json", disk)), &table); err != nil {
		t.Fatal(err)
	}
	all := map[string]Partition{}
	for _, p := range table.PartitionTable.Partitions {
		all[p.Name] = p
	}
	return all
}
