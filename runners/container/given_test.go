package container_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/runners/container"
)

// TestGiven: secrets and settings are the service's alone to read, nobody's to
// write, in files that end with the container; variables replace the image's.
func TestGiven(t *testing.T) {
	a := webApp()
	a.Service.Secrets, a.Service.Config = []string{"password", "left-out"}, []string{"app.env"}
	o := options(t, a)
	o.Values = map[string][]byte{"password": []byte("very secret"), "app.env": []byte("LEVEL=debug"), "unknown": []byte("x")}
	o.Environment = []string{"SEEN=first", "SEEN=again", "PATH=/other"}
	r := start(t, o)
	if info, err := os.Stat(filepath.Join(o.State, "run", r.ID)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("what holds the secrets here is open to others: %v, %v", info, err)
	}
	for _, tt := range []struct {
		argv []string
		exit int
		want string
	}{
		{[]string{"/service", "read", "/run/secrets/password"}, 0, "very secret"},
		{[]string{"/service", "read", "/run/config/app.env"}, 0, "LEVEL=debug"},
		{[]string{"/service", "read", "/run/secrets/left-out"}, 3, "no such file"},
		{[]string{"/service", "read", "/run/secrets/unknown"}, 3, "no such file"},
		{[]string{"/service", "write", "/run/secrets/password"}, 3, "read-only file system"},
		{[]string{"/service", "write", "/run/config/x"}, 3, "read-only file system"},
		{[]string{"/service", "read", "/proc/1/environ"}, 0, "SEEN=again\x00PATH=/other\x00"},
	} {
		exit, output, err := r.Exec(t.Context(), tt.argv)
		if err != nil || exit != tt.exit || !strings.Contains(string(output), tt.want) {
			t.Errorf("%q: exit %d, want %d; error %v; output without %q:\n%s", tt.argv, exit, tt.exit, err, tt.want, output)
		}
	}
	if _, output, _ := r.Exec(t.Context(), []string{"/service", "read", "/proc/1/environ"}); strings.Contains(string(output), "secret") || strings.Contains(string(output), "first") {
		t.Errorf("the environment is %q", output)
	}
	r.Stop()
	nothingLeft(t, r, o.State)
}

// TestGivenForTests: tests run without anybody who gives anything.
func TestGivenForTests(t *testing.T) {
	a := webApp()
	a.Service.Secrets, a.TestValues = []string{"password"}, map[string]string{"password": "for this test"}
	a.Service.Health, a.Service.Command = nil, []string{"/service", "read", "/run/secrets/password"}
	results, _, err := container.Test(t.Context(), options(t, a))
	if err != nil || len(results) == 0 || !strings.Contains(results[len(results)-1].Detail+results[0].Detail, "for this test") {
		t.Errorf("%v: %+v", err, results)
	}
}
