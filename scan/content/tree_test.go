package content

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/protocol"
)

// TestNothingIsLeftOutOfADisk has files below a mount point, which no running
// system shows, in a folder of Git's and in those that a kernel fills.
func TestNothingIsLeftOutOfADisk(t *testing.T) {
	file := &fstest.MapFile{}
	parts := []part{
		{".", fstest.MapFS{"a": file, "usr/hidden": file, "usrx/b": file, "proc/1/c": file, "opt/proc/d": file, "src/.git/e": file}},
		{"usr", fstest.MapFS{"f": file, "usr/g": file, "proc/h": file}},
	}
	var got []string
	visit := func(f File) error {
		got = append(got, f.Path)
		return nil
	}
	if _, err := walkParts(t.Context(), parts, nil, protocol.DefaultLimits(), visit); err != nil {
		t.Fatal(err)
	}
	want := []string{"a", "beneath-mounts/usr/hidden", "opt/proc/d", "proc/1/c", "src/.git/e", "usr/f", "usr/proc/h", "usr/usr/g", "usrx/b"}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// A folder may be the root of a system that runs.
	got = nil
	if _, err := walkParts(t.Context(), parts[:1], kernels(), protocol.DefaultLimits(), visit); err != nil {
		t.Fatal(err)
	}
	want = []string{"a", "opt/proc/d", "src/.git/e", "usr/hidden", "usrx/b"}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("of a folder: got %q, want %q", got, want)
	}
}

func TestTreeLimits(t *testing.T) {
	tree := fstest.MapFS{"a/b/c": &fstest.MapFile{Data: []byte("12345")}, "d": &fstest.MapFile{Data: []byte("6")}}
	for name, l := range map[string]protocol.Limits{"entries": {Entries: 2}, "depth": {Depth: 2}, "file": {FileBytes: 4}, "tree": {TreeBytes: 5}} {
		_, err := walkParts(t.Context(), []part{{".", tree}}, nil, l.Filled(), func(File) error { return nil })
		if fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s: %v", name, err)
		}
	}
}
