package apply

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/controls"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newTree is a folder with files of a mode each.
func newTree(t *testing.T, modes map[string]uint32) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: controls are applied as root")
	}
	dir := t.TempDir()
	for name, mode := range modes {
		must(t, os.MkdirAll(filepath.Dir(dir+name), 0o755))
		must(t, os.WriteFile(dir+name, []byte("text"), 0o600))
		must(t, unix.Chmod(dir+name, mode))
	}
	return dir
}

func to(t *testing.T, dir string, o Options, settings ...controls.Setting) error {
	t.Helper()
	root, err := os.OpenRoot(dir)
	must(t, err)
	defer root.Close()
	return To(root, []controls.Control{{ID: "BK-TEST-01", Sets: settings}}, o)
}

func TestEveryKindIsKnown(t *testing.T) {
	for _, name := range controls.KindNames() {
		if _, ok := kinds()[name]; !ok {
			t.Errorf("nothing applies the kind %s", name)
		}
	}
	dir := newTree(t, nil)
	if err := to(t, dir, Options{}, controls.Setting{Kind: "magic"}); fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), "BK-TEST-01") {
		t.Errorf("an unknown kind: %v", err)
	}
}

// TestRightsStay lets single paths keep what all others lose.
func TestRightsStay(t *testing.T) {
	dir := newTree(t, map[string]uint32{"/ping": 0o4755, "/su": 0o4755, "/wall": 0o2755, "/chage": 0o2755})
	capability := "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" // net_raw
	for _, name := range []string{"/ping", "/su", "/wall"} {
		must(t, unix.Setxattr(dir+name, "security.capability", []byte(capability), 0))
	}
	must(t, unix.Mknod(dir+"/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	must(t, os.Symlink("/", dir+"/bin"))
	o := Options{Rights: []controls.Right{
		{Path: "/ping", SetUID: true, Capabilities: []string{"net_raw", "net_admin"}}, {Path: "/wall", SetUID: true, Capabilities: []string{"net_admin"}},
		{Path: "/bin/chage", SetGID: true}, {Path: "/null", SetUID: true},
	}}
	must(t, to(t, dir, o, controls.Setting{Kind: controls.NoSpecialBits}, controls.Setting{Kind: controls.NoCapabilities}, controls.Setting{Kind: controls.NoDevices}))
	for name, want := range map[string]uint32{"/ping": 0o4755, "/su": 0o755, "/wall": 0o755, "/chage": 0o2755} {
		var s unix.Stat_t
		must(t, unix.Stat(dir+name, &s))
		if s.Mode&0o7777 != want {
			t.Errorf("%s has mode %o, want %o", name, s.Mode&0o7777, want)
		}
	}
	for name, want := range map[string]bool{"/ping": true, "/su": false, "/wall": false} {
		_, err := unix.Getxattr(dir+name, "security.capability", make([]byte, 64))
		if (err == nil) != want {
			t.Errorf("%s keeps its capabilities: %v, want %v", name, err == nil, want)
		}
	}
	if _, err := os.Lstat(dir + "/null"); err == nil {
		t.Error("a device stays")
	}
}

// TestNoShellIsOneThatIsThere: of two programs that let nobody in, accounts get
// the one that the tree has.
func TestNoShellIsOneThatIsThere(t *testing.T) {
	for program, want := range map[string]string{"": "/usr/sbin/nologin", "/usr/sbin/nologin": "/usr/sbin/nologin", "/usr/bin/false": "/usr/bin/false"} {
		dir := newTree(t, map[string]uint32{"/etc/passwd": 0o644})
		if program != "" {
			must(t, os.MkdirAll(filepath.Dir(dir+program), 0o755))
			must(t, os.WriteFile(dir+program, nil, 0o755))
		}
		must(t, os.WriteFile(dir+"/etc/passwd", []byte("a:x:1:1::/:/usr/sbin/nologin\nb:x:2:2::/:/bin/sh\n"), 0o644))
		must(t, to(t, dir, Options{}, controls.Setting{Kind: controls.NoLogin}))
		text, err := os.ReadFile(dir + "/etc/passwd")
		if got := "a:x:1:1::/:" + want + "\nb:x:2:2::/:" + want + "\n"; err != nil || string(text) != got {
			t.Errorf("with %q: %q (%v)", program, text, err)
		}
	}
}

// TestWordsGo: comments and other words stay.
func TestWordsGo(t *testing.T) {
	dir := newTree(t, map[string]uint32{"/pam": 0o640})
	must(t, os.WriteFile(dir+"/pam", []byte("# nullok\nauth\t[a=1 b=2] unix nullok\tlast\nnullokay\n"), 0o640))
	must(t, to(t, dir, Options{}, controls.Setting{Kind: controls.NoWords, Paths: []string{"/pam"}, Names: []string{"nullok"}}))
	if text, err := os.ReadFile(dir + "/pam"); err != nil || string(text) != "# nullok\nauth [a=1 b=2] unix last\nnullokay\n" {
		t.Errorf("the file holds %q (%v)", text, err)
	}
}

// TestNameOfAnImageFormatIsRefused has files whose names would hide others.
func TestNameOfAnImageFormatIsRefused(t *testing.T) {
	for _, name := range []string{"/var/lib/dpkg/.wh.status", "/usr/.wh..wh..opq"} {
		dir := newTree(t, map[string]uint32{name: 0o644})
		err := to(t, dir, Options{}, controls.Setting{Kind: controls.NoImageNames})
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), name) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWhatAKilledRunLeft is overwritten, whatever it is.
func TestWhatAKilledRunLeft(t *testing.T) {
	outside := t.TempDir() + "/victim"
	must(t, os.WriteFile(outside, []byte("secret"), 0o600))
	dir := newTree(t, map[string]uint32{"/etc/issue": 0o600})
	must(t, os.Symlink(outside, dir+"/etc/.bakelite-new"))
	must(t, to(t, dir, Options{}, controls.Setting{Kind: controls.File, Path: "/etc/issue", Mode: "0644", Content: "hello\n"}))
	text, err := os.ReadFile(dir + "/etc/issue")
	if victim, _ := os.ReadFile(outside); err != nil || string(text) != "hello\n" || string(victim) != "secret" {
		t.Errorf("the file is %q (%v), that of the machine %q", text, err, victim)
	}
	if _, err := os.Lstat(dir + "/etc/.bakelite-new"); err == nil {
		t.Error("what lay beside it is still there")
	}
}

// TestHardLinksOfAFileStayAsTheyAre rewrites one of two names.
func TestHardLinksOfAFileStayAsTheyAre(t *testing.T) {
	dir := newTree(t, map[string]uint32{"/etc/login.defs": 0o644})
	must(t, os.Link(dir+"/etc/login.defs", dir+"/twin"))
	must(t, to(t, dir, Options{Date: time.Unix(1735689600, 0)}, controls.Setting{Kind: controls.Config, Syntax: controls.Words, Path: "/etc/login.defs", Values: map[string]string{"UMASK": "027"}}))
	if text, err := os.ReadFile(dir + "/twin"); err != nil || string(text) != "text" {
		t.Errorf("the other name holds %q (%v)", text, err)
	}
	if text, err := os.ReadFile(dir + "/etc/login.defs"); err != nil || string(text) != "text\nUMASK\t027\n" {
		t.Errorf("the file holds %q (%v)", text, err)
	}
}
