package rootfs

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/templates"
)

// kernelModules is a kernel's folder as packages leave it.
func kernelModules(t *testing.T) string {
	t.Helper()
	at := t.TempDir()
	for name, text := range map[string]string{
		"modules.builtin": "kernel/fs/ext4/ext4.ko\n",
		"modules.dep": "kernel/net/nf_tables.ko.xz: kernel/lib/crc.ko.xz\nkernel/lib/crc.ko.xz:\nkernel/fs/nfs/nfs.ko.xz: kernel/net/sunrpc.ko.xz kernel/lib/crc.ko.xz\n" +
			"kernel/net/sunrpc.ko.xz:\nkernel/net/sctp/sctp.ko.xz: kernel/lib/crc.ko.xz\n",
		"kernel/net/nf_tables.ko.xz": "", "kernel/lib/crc.ko.xz": "", "kernel/fs/nfs/nfs.ko.xz": "", "kernel/net/sunrpc.ko.xz": "", "kernel/net/sctp/sctp.ko.xz": "",
	} {
		name = filepath.Join(at, "6.12.1", name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return at
}

// TestModules takes out what nobody keeps, with the folders that are empty then.
func TestModules(t *testing.T) {
	for name, test := range map[string]struct {
		asked string
		left  []string
		fails string
	}{
		"kept and needed":     {"", []string{"lib/crc.ko.xz", "net/nf_tables.ko.xz"}, ""},
		"asked for":           {"nfs ext4", []string{"fs/nfs/nfs.ko.xz", "lib/crc.ko.xz", "net/nf_tables.ko.xz", "net/sunrpc.ko.xz"}, ""},
		"asked for, not here": {"nfs ntfs-4", nil, "the kernel has no module ntfs-4, which vm.modules names"},
	} {
		t.Run(name, func(t *testing.T) {
			at, bin := kernelModules(t), t.TempDir()
			// depmod's own work shows in disks that are booted.
			if err := os.WriteFile(bin+"/depmod", []byte("#!/bin/sh\necho \"$1\" >depmod-ran\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			c := exec.Command("/bin/sh", "-euc", templates.Text("rootfs/modules.sh")+"\nprune "+at)
			c.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "KEEP=nf-tables nowhere", "ASKED=" + test.asked}
			out, err := c.CombinedOutput()
			if failed := err != nil; failed != (test.fails != "") || !strings.Contains(string(out), test.fails) {
				t.Fatalf("%v: %s", err, out)
			}
			if test.fails != "" {
				return
			}
			kernel := filepath.Join(at, "6.12.1", "kernel")
			if left := files(t, kernel); !slices.Equal(left, test.left) {
				t.Errorf("there are %v, want %v", left, test.left)
			}
			if _, err := os.Stat(kernel + "/net/sctp"); err == nil {
				t.Error("an empty folder is left")
			}
			if ran, err := os.ReadFile(filepath.Join(at, "6.12.1", "depmod-ran")); string(ran) != "6.12.1\n" {
				t.Errorf("depmod was given %q: %v", ran, err)
			}
		})
	}
}

func files(t *testing.T, at string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(at, func(name string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all = append(all, strings.TrimPrefix(name, at+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
