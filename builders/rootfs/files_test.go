package rootfs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tree is a root filesystem that the functions of files.sh work on.
type tree struct {
	*testing.T
	dir, source string
}

func newTree(t *testing.T) tree {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("giving files away needs root")
	}
	tr := tree{t, t.TempDir(), t.TempDir()}
	tr.write(tr.dir, "etc/passwd", "web:x:999:998::/:/bin/false\n", 0o644)
	tr.write(tr.dir, "etc/group", "web:x:998:\n", 0o644)
	return tr
}

func (t tree) write(root, name, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func (t tree) link(target, root, name string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
		t.Fatal(err)
	}
}

// run calls functions of files.sh and returns what they say.
func (t tree) run(calls string) (string, error) {
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", strings.Join(script("files.sh"), "\n")+calls)
	cmd.Env = append(os.Environ(), "ROOT="+t.dir)
	said, err := cmd.CombinedOutput()
	return string(said), err
}

// put copies the source to /opt.
func (t tree) put(mode string) {
	t.Helper()
	files, folders := modes(mode)
	if said, err := t.run(call("put", t.source, "/opt", files, folders, "web", "files[0]")); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
}

func (t tree) mode(name string, want os.FileMode) {
	t.Helper()
	info, err := os.Lstat(filepath.Join(t.dir, name))
	if err != nil || info.Mode().Perm() != want {
		t.Errorf("%s has %v (%v), want %v", name, info, err, want)
	}
}

// TestTreesKeepExecuteBits: without a mode files keep that they can be
// executed, and nothing else of their mode; a mode is for all of them.
func TestTreesKeepExecuteBits(t *testing.T) {
	tr := newTree(t)
	tr.write(tr.source, "bin/tool", "x", 0o4711)
	tr.write(tr.source, "note", "x", 0o600)
	tr.put("")
	tr.mode("opt/bin/tool", 0o755)
	tr.mode("opt/note", 0o644)
	tr.mode("opt/bin", 0o755)
	tr.put("0640")
	tr.mode("opt/bin/tool", 0o640)
	tr.mode("opt/bin", 0o750)
}

// TestLinksAreNotWrittenThrough: what is copied later replaces a link, and
// leaves alone what it leads to.
func TestLinksAreNotWrittenThrough(t *testing.T) {
	tr := newTree(t)
	outside := filepath.Join(t.TempDir(), "outside")
	tr.write(filepath.Dir(outside), "outside", "as it was", 0o600)
	tr.link(outside, tr.source, "file")
	tr.put("")
	if got, err := os.Readlink(filepath.Join(tr.dir, "opt/file")); err != nil || got != outside {
		t.Errorf("the link leads to %q (%v)", got, err)
	}
	if err := os.Remove(filepath.Join(tr.source, "file")); err != nil {
		t.Fatal(err)
	}
	tr.write(tr.source, "file", "new", 0o644)
	tr.put("")
	tr.mode("opt/file", 0o644)
	if text, err := os.ReadFile(outside); err != nil || string(text) != "as it was" {
		t.Errorf("what the link led to is %q (%v)", text, err)
	}
}

// TestMistakesNameTheirKey: what only the tree can tell is said of the key of
// the app file that is wrong.
func TestMistakesNameTheirKey(t *testing.T) {
	tr := newTree(t)
	tr.write(tr.dir, "bin/env", "\x7fELF\x00\x01", 0o755)
	tr.write(tr.dir, "run/none", "#!/usr/bin/python3 -u\nx", 0o755)
	tr.write(tr.dir, "run/env", "#! /bin/env python3\nx", 0o755)
	tr.write(tr.dir, "run/plain", "x", 0o644)
	tr.link("/bin/env", tr.dir, "run/link")
	tr.link("/root/python3", tr.dir, "run/astray")
	for calls, want := range map[string]string{
		call("put", tr.dir+"/run/plain", "/new", "0644", "0755", "stranger", "files[1]"): "app file: files[1].owner: the image has no user or group stranger; next: name one",
		call("put", tr.dir+"/run", "/new.d", "0644", "0755", "stranger", "files[1]"):     "app file: files[1].owner: the image has no user or group stranger; next: name one",
		call("owner", "web", "files[1].owner"):                                           "",
		call("owner", "7:8", "files[1].owner"):                                           "",
		call("owner", "stranger", "files[1].owner"):                                      "app file: files[1].owner: the image has no user or group stranger; next: name one",
		call("runnable", "/bin/env", "service.command[0]"):                               "",
		call("runnable", "/run/env", "service.command[0]"):                               "",
		call("runnable", "/run/link", "x"):                                               "",
		call("runnable", "/run/absent", "x"):                                             "app file: x: /run/absent is not in the container; next:",
		call("runnable", "/run/astray", "x"):                                             "app file: x: /run/astray, by links /root/python3, is not in the container; next:",
		call("runnable", "/run", "x"):                                                    "app file: x: /run is not in the container; next:",
		call("runnable", "/run/plain", "x"):                                              "app file: x: /run/plain is a file that cannot be executed; next:",
		call("runnable", "/run/none", "x"):                                               "app file: x: /usr/bin/python3, which /run/none names in its first line, is not in the container; next:",
	} {
		said, err := tr.run(calls)
		if (err == nil) != (want == "") || !strings.HasPrefix(said, want) || want == "" && said != "" {
			t.Errorf("%s said %q (%v), want %q", calls, said, err, want)
		}
	}
}

// TestFilesThatMeetFolders: what cannot be where an entry puts it is a mistake
// of its key, and nothing is written under a name that nobody gave.
func TestFilesThatMeetFolders(t *testing.T) {
	for name, tt := range map[string]struct {
		from, to, want string
	}{
		"content to a folder":     {"/run/content/3", "/etc/conf.d", "app file: files[3].to: /etc/conf.d is a folder; next: name the file"},
		"file over a folder":      {"SOURCE/conf.d", "/etc", "app file: files[3].to: /etc/conf.d is a folder; next: name the file"},
		"tree over a file":        {"SOURCE/var", "/etc/passwd", "app file: files[3].to: /etc/passwd is a file, not a folder; next:"},
		"folder over a link":      {"SOURCE/var", "/var", "app file: files[3].to: only one of the image and the copied folder has a folder at /var/run, the other a file or link; next:"},
		"link over a folder":      {"SOURCE/opt", "/", "app file: files[3].to: only one of the image and the copied folder has a folder at /etc, the other a file or link; next:"},
		"tree over a tree":        {"SOURCE/fine", "/var", ""},
		"file over a link":        {"SOURCE/run", "/var", ""},
		"file into a folder":      {"SOURCE/note", "/etc/conf.d", ""},
		"tree where nothing is":   {"SOURCE/var", "/srv/none", ""},
		"file over a file":        {"SOURCE/note", "/etc/passwd2", ""},
		"tree by a link to it":    {"SOURCE/var", "/by-link", ""},
		"file by a link to a dir": {"SOURCE/note", "/by-link", ""},
	} {
		tr := newTree(t)
		tr.write(tr.dir, "etc/conf.d/own", "x", 0o644)
		tr.write(tr.dir, "etc/passwd2", "x", 0o644)
		tr.write(tr.dir, "var/lib/own", "x", 0o644)
		tr.write(tr.dir, "srv/linked/own", "x", 0o644)
		tr.link("/run", tr.dir, "var/run")
		tr.link("/srv/linked", tr.dir, "by-link")
		tr.write(tr.source, "conf.d", "x", 0o644)
		tr.write(tr.source, "note", "x", 0o644)
		tr.write(tr.source, "run", "x", 0o644)
		tr.write(tr.source, "var/run/x", "x", 0o644)
		tr.write(tr.source, "fine/lib/own", "y", 0o644)
		tr.link("/srv/none", tr.source, "fine/run")
		tr.write(tr.source, "opt/x", "x", 0o644)
		tr.link("x", tr.source, "opt/etc")
		files, folders := modes("")
		from := strings.Replace(tt.from, "SOURCE", tr.source, 1)
		said, err := tr.run(call("put", from, tt.to, files, folders, "web", "files[3]"))
		if (err == nil) != (tt.want == "") || !strings.HasPrefix(said, tt.want) || tt.want == "" && said != "" {
			t.Errorf("%s said %q (%v), want %q", name, said, err, tt.want)
		}
	}
}
