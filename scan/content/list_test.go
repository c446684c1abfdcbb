package content

import (
	"archive/tar"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/bakelite/bakelite/scan/content/made"
	"github.com/bakelite/bakelite/scan/protocol"
)

// TestList has a layer, a disk and a folder say the same of the same files,
// below /var too.
func TestList(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("gives files to other users")
	}
	dir := t.TempDir()
	made.Folder(t, filepath.Join(dir, "tree"), made.Tree{"etc/hosts": "", "usr/bin/tool": "", "var/lib/app/helper": "", "var/lib/app/state": ""})
	entries := []tar.Header{
		{Name: "etc/hosts", Mode: 0o644, Uid: 0, Gid: 0},
		{Name: "usr/bin/tool", Mode: 0o755, Uid: 0, Gid: 70000},
		{Name: "var/lib/app/helper", Mode: 0o711, Uid: 70001, Gid: 0},
		{Name: "var/lib/app/state", Mode: 0o600, Uid: 33, Gid: 34},
	}
	for _, h := range entries {
		file := filepath.Join(dir, "tree", h.Name)
		if err := errors.Join(os.Chown(file, h.Uid, h.Gid), os.Chmod(file, os.FileMode(h.Mode))); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"/etc/hosts":          "-rw-r--r-- 0:0 0 e3b0c44298fc",
		"/usr/bin/tool":       "-rwxr-xr-x 0:70000 0 e3b0c44298fc",
		"/var/lib/app/helper": "-rwx--x--x 70001:0 0 e3b0c44298fc",
		"/var/lib/app/state":  "-rw------- 33:34 0 e3b0c44298fc",
	}
	made.Disk(t, filepath.Join(dir, "tree"), filepath.Join(dir, "disk"), "raw")
	digest := made.Image(t, filepath.Join(dir, "image"), made.Gzip(t, made.Tar(t, nil, entries...)))
	for name, open := range map[string]func() (Artifact, error){
		"layer": func() (Artifact, error) { return OpenImage(filepath.Join(dir, "image"), digest, protocol.Limits{}) },
		"disk": func() (Artifact, error) {
			return OpenDisk(t.Context(), filepath.Join(dir, "disk"), "", protocol.Limits{})
		},
		"folder": func() (Artifact, error) { return OpenFolder(filepath.Join(dir, "tree"), protocol.Limits{}) },
	} {
		a, err := open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := List(t.Context(), a)
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, want)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}
