package main

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree"
	"github.com/bakelite/bakelite/internal/fault"
)

const someControls = `[{"id": "BK-TEST-01", "title": "A control", "level": 1, "on": ["container"], "sets": [
	{"kind": "no-special-bits"}, {"kind": "file", "path": "/etc/issue", "mode": "0600", "content": "hello\n"}]}]`

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func hardenIn(t *testing.T, dir string, r tree.Request) error {
	t.Helper()
	root, err := os.OpenRoot(dir)
	must(t, err)
	defer root.Close()
	return harden(root, r)
}

// TestControlsSpareWhatRightsName: all else loses its bits, and what is written
// has the date of the request.
func TestControlsSpareWhatRightsName(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: controls are applied as root")
	}
	dir := t.TempDir()
	for _, name := range []string{"/mine", "/other"} {
		must(t, os.WriteFile(dir+name, nil, 0o755))
		must(t, unix.Chmod(dir+name, 0o4755))
	}
	const date = 1735689600
	must(t, hardenIn(t, dir, tree.Request{Controls: json.RawMessage(someControls), Date: date, Rights: []tree.Right{{Path: "/mine", SetUID: true}}}))
	for name, want := range map[string]uint32{"/mine": 0o4755, "/other": 0o755, "/etc/issue": 0o600} {
		var s unix.Stat_t
		must(t, unix.Stat(dir+name, &s))
		if s.Mode&0o7777 != want {
			t.Errorf("%s has mode %o, want %o", name, s.Mode&0o7777, want)
		}
		if name == "/etc/issue" && s.Mtim.Sec != date {
			t.Errorf("%s has the date %d", name, s.Mtim.Sec)
		}
	}
}

// TestLinkInTheWayOfControls is a mistake of the app file where something of
// the app is there, and else an error.
func TestLinkInTheWayOfControls(t *testing.T) {
	for _, tt := range []struct {
		r   tree.Request
		key string
	}{
		{tree.Request{Own: "steps"}, "steps"},
		{tree.Request{Put: []tree.Put{{To: "/etc"}}}, "files"},
		{tree.Request{}, ""},
	} {
		dir := t.TempDir()
		must(t, os.Symlink("/nowhere", dir+"/etc"))
		tt.r.Controls = json.RawMessage(someControls)
		err := hardenIn(t, dir, tt.r)
		var wrong *tree.Mistake
		if errors.As(err, &wrong); err == nil || tt.key == "" && (wrong != nil || fault.KindOf(err) != fault.Invalid) || tt.key != "" && (wrong == nil || wrong.Key != tt.key || wrong.Remedy == "") {
			t.Errorf("%q: %v, %+v", tt.key, err, wrong)
		}
	}
}

// TestControlsOfAnotherForm are refused, not passed over.
func TestControlsOfAnotherForm(t *testing.T) {
	for _, text := range []string{`[{"id": "BK-TEST-01", "magic": true}]`, `{}`, `[{"id": "BK-TEST-01", "sets": [{"kind": "magic"}]}]`} {
		if err := hardenIn(t, t.TempDir(), tree.Request{Controls: json.RawMessage(text)}); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}
