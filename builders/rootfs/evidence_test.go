package rootfs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const stanzas = "Package: libc6\nStatus: install ok installed\nVersion: 1\nSource: glibc\n\nPackage: nginx\nStatus: install ok installed\nVersion: 2\n\n"

// plant writes a tree that two packages were installed in.
func plant(t *testing.T, root string) {
	t.Helper()
	for name, text := range map[string]string{
		"var/lib/dpkg/status": stanzas, "var/lib/dpkg/info/libc6:amd64.md5sums": "00  usr/lib/libc.so\n", "var/lib/dpkg/info/nginx.list": "/.\n",
		"usr/share/doc/nginx/copyright": "BSD\n", "usr/share/doc/nginx/changelog": "1\n", "usr/lib/os-release": "ID=debian\n", "etc/debian_version": "13.8\n",
	} {
		put(t, root, name, text)
	}
	link(t, root, "nginx", "usr/share/doc/nginx-common")
	link(t, root, "../usr/lib/os-release", "etc/os-release")
}

func put(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, root, to, name string) {
	t.Helper()
	if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
		t.Fatal(err)
	}
}

// TestStepForgesEvidence has the app's own part change what packages are known
// and judged by. What it may do to other files, and packages that it adds, pass.
func TestStepForgesEvidence(t *testing.T) {
	if _, err := exec.LookPath("mawk"); err != nil {
		t.Skip(err)
	}
	write := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, root string) { t.Helper(); put(t, root, name, text) }
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, root string) {
			t.Helper()
			if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	added := "Package: tool\nStatus: install ok installed\nVersion: 1\n\n"
	for name, tt := range map[string]struct {
		change func(*testing.T, string)
		named  string // what the error names; "" passes
	}{
		"nothing":                            {func(*testing.T, string) {}, ""},
		"an emptied status":                  {write("var/lib/dpkg/status", ""), "/var/lib/dpkg/status (package libc6)"},
		"a dropped stanza":                   {write("var/lib/dpkg/status", strings.SplitAfter(stanzas, "\n\n")[0]), "/var/lib/dpkg/status (package nginx)"},
		"a raised version":                   {write("var/lib/dpkg/status", strings.Replace(stanzas, "Version: 2", "Version: 9999", 1)), "/var/lib/dpkg/status (package nginx)"},
		"another maintainer":                 {write("var/lib/dpkg/status", strings.Replace(stanzas, "Version: 2", "Version: 2\nMaintainer: HashiCorp", 1)), "(package nginx)"},
		"a removed status":                   {remove("var/lib/dpkg"), "/var/lib/dpkg/"},
		"a rewritten licence":                {write("usr/share/doc/nginx/copyright", "MIT\n"), "/usr/share/doc/nginx/copyright"},
		"a removed licence":                  {remove("usr/share/doc/nginx"), "/usr/share/doc/nginx/copyright"},
		"a licence where there was none":     {write("usr/share/doc/libc6/copyright", "MIT\n"), "/usr/share/doc/libc6/copyright"},
		"files that a package claims":        {write("var/lib/dpkg/info/libc6:amd64.md5sums", "00  srv/app/package.json\n"), "/var/lib/dpkg/info/libc6:amd64.md5sums"},
		"files under a package's short name": {write("var/lib/dpkg/info/libc6.md5sums", "00  srv/app/package.json\n"), "/var/lib/dpkg/info/libc6.md5sums"},
		"files claimed elsewhere":            {write("var/lib/dpkg/status.d/libc6.md5sums", "00  srv/app/package.json\n"), "/var/lib/dpkg/status.d/libc6.md5sums"},
		"another release":                    {write("etc/debian_version", "99.0\n"), "/etc/debian_version"},
		"another system":                     {write("usr/lib/os-release", "ID=alpine\n"), "/usr/lib/os-release"},
		"a link to another system": {func(t *testing.T, root string) {
			t.Helper()
			remove("etc/os-release")(t, root)
			link(t, root, "/srv/os-release", "etc/os-release")
		}, "/etc/os-release"},
		"a package that is added": {func(t *testing.T, root string) {
			t.Helper()
			put(t, root, "var/lib/dpkg/status", stanzas+added)
			put(t, root, "var/lib/dpkg/info/tool.md5sums", "00  usr/bin/tool\n")
			put(t, root, "usr/share/doc/tool/copyright", "MIT\n")
		}, ""},
		"other files": {func(t *testing.T, root string) {
			t.Helper()
			remove("usr/share/doc/nginx/changelog")(t, root)
			put(t, root, "srv/a\nb", "x")
			put(t, root, "usr/share/doc/a\nb/copyright", "x")
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before, root, scratch := t.TempDir(), t.TempDir(), t.TempDir()
			plant(t, before)
			plant(t, root)
			tt.change(t, root)
			text := strings.NewReplacer("/before", before, "/tmp/", scratch+"/").Replace(script("evidence.sh")[0])
			cmd := exec.CommandContext(t.Context(), "sh", "-euc", text)
			cmd.Env = append(os.Environ(), "ROOT="+root)
			said, err := cmd.CombinedOutput()
			if tt.named == "" {
				if err != nil {
					t.Errorf("it was refused: %s", said)
				}
				return
			}
			if err == nil || !strings.HasPrefix(string(said), "app file: ") || !strings.Contains(string(said), tt.named) || !strings.Contains(string(said), "; next: ") {
				t.Errorf("got %v: %s", err, said)
			}
		})
	}
}
