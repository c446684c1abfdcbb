package doctor

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestKernelChecks(t *testing.T) {
	v2 := fstest.MapFS{"sys/fs/cgroup/cgroup.controllers": file("cpuset cpu io memory pids\n")}
	part := fstest.MapFS{"sys/fs/cgroup/cgroup.controllers": file("cpu\n")}
	v1 := fstest.MapFS{
		"sys/fs/cgroup/memory/cgroup.procs": file(""), "sys/fs/cgroup/cpu/cgroup.procs": file(""), "sys/fs/cgroup/pids/cgroup.procs": file(""),
	}
	kinds := fstest.MapFS{"proc/filesystems": file("nodev\tproc\nnodev\toverlay\n\text4\n")}
	ids := fstest.MapFS{"etc/subuid": file("u:100000:65536\n")}
	tests := []struct {
		name  string
		probe func(context.Context, Options) finding
		o     Options
		level Level
		found string
	}{
		{"v2", cgroups, Options{Root: v2}, OK, "v2 with memory, cpu, pids"},
		{"v1", cgroups, Options{Root: v1}, OK, "v1 with memory, cpu, pids"},
		{"v2 in part", cgroups, Options{Root: part}, Missing, "v2 without memory, pids"},
		{"v2 in part, no root", cgroups, Options{Root: part, UID: 7}, Warn, "v2 without memory, pids"},
		{"none", cgroups, Options{Root: fstest.MapFS{}}, Missing, "v1 without memory, cpu, pids"},
		{"overlay", overlay, Options{Root: kinds, UID: 7}, OK, "known to the kernel"},
		{"no overlay", overlay, Options{Root: v1, UID: 7}, Warn, "no overlayfs"},
		{"root needs no newuidmap", newuidmap, Options{Root: ids}, OK, "not needed"},
		{"root needs no rootlesskit", rootlesskit, Options{}, OK, "not needed"},
		{"root needs no user namespaces", userNamespaces, Options{}, OK, "not needed"},
		{"no ranges", newuidmap, Options{Root: fstest.MapFS{}, UID: 7}, Missing, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if f := tt.probe(t.Context(), tt.o); f.level != tt.level || !strings.Contains(f.found, tt.found) {
				t.Errorf("%+v", f)
			}
		})
	}
}

// mirror serves a signed index as a mirror does, with a clock of its own.
func mirror(t *testing.T, now time.Time) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/debian/dists/trixie/InRelease" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		_, _ = w.Write([]byte("signed"))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/debian/"
}

func TestMirrors(t *testing.T) {
	good, dir := mirror(t, time.Now()), t.TempDir()
	gone := "http://user:secret@127.0.0.1:1/debian"
	if err := os.MkdirAll(filepath.Join(dir, "dists/trixie"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "dists/trixie/InRelease"), []byte("signed"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		mirrors []string
		level   Level
		found   string
	}{
		{"none", nil, Missing, "no mirror is known"},
		{"good", []string{good}, OK, "1 of 1"},
		{"folder", []string{"file://" + dir}, OK, "1 of 1"},
		{"one of two", []string{gone, good}, Warn, "1 of 2"},
		{"gone", []string{gone}, Missing, "no mirror answers: http://user:xxxxx@127.0.0.1:1/debian: dial"},
		{"wrong path", []string{strings.TrimSuffix(good, "debian/")}, Missing, "404"},
		{"no folder", []string{"file://" + dir + "/none"}, Missing, "404"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{Mirrors: map[string][]string{"debian": tt.mirrors}}
			f := mirrorsOf("debian", "trixie")(t.Context(), o)
			if f.level != tt.level || !strings.Contains(f.found, tt.found) || strings.Contains(f.found, "secret") {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestEndlessIndexIsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, maxInRelease+1))
	}))
	defer server.Close()
	if _, err := index(t.Context(), server.URL, "trixie"); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("%v", err)
	}
}

func TestClock(t *testing.T) {
	at := written.AddDate(1, 0, 0)
	tests := []struct {
		name string
		now  time.Time
		want Level
	}{
		{"as the mirror's", at, OK},
		{"an hour behind and more", at.Add(-maxSkew - time.Minute), Warn},
		{"an hour ahead and more", at.Add(maxSkew + time.Minute), Warn},
		{"before the program was written", written.Add(-time.Second), Missing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{Now: func() time.Time { return tt.now }, Mirrors: map[string][]string{"debian": {mirror(t, at)}}}
			if f := clock(t.Context(), o); f.level != tt.want {
				t.Errorf("%+v", f)
			}
		})
	}
	cached := http.Header{"Date": {at.Format(http.TimeFormat)}, "Age": {"60"}}
	if got := dated(cached); !got.Equal(at.Add(time.Minute)) {
		t.Errorf("a cached answer is dated %s", got)
	}
}

func TestPlace(t *testing.T) {
	if f := enough(minSpace - 1); f.level != Missing || f.mend == "" {
		t.Errorf("%+v", f)
	}
	if f := enough(minSpace); f.level != OK {
		t.Errorf("%+v", f)
	}
	dir := t.TempDir()
	taken := filepath.Join(dir, "file")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, probe := range []func(context.Context, Options) finding{state, space} {
		if f := probe(t.Context(), Options{State: filepath.Join(taken, "state")}); f.level != Missing || f.mend == "" {
			t.Errorf("%+v", f)
		}
	}
	if f := state(t.Context(), Options{State: filepath.Join(dir, "new")}); f.level != OK {
		t.Errorf("%+v", f)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "new")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestEngine(t *testing.T) {
	failing := func(err error) Options {
		return Options{Engine: func(context.Context) (string, error) { return "", err }}
	}
	if f := engine(t.Context(), failing(fault.Hint(errors.New("no"), "do this"))); f.level != Missing || f.mend != "do this" {
		t.Errorf("%+v", f)
	}
	if f := engine(t.Context(), failing(errors.New("no"))); f.level != Missing || f.mend == "" {
		t.Errorf("%+v", f)
	}
}

// TestExamine makes every check on this machine, which need not be fit.
func TestExamine(t *testing.T) {
	dir := t.TempDir()
	results := Examine(t.Context(), Options{
		State: dir, Arch: "amd64", UID: os.Geteuid(), Root: os.DirFS("/"), Now: time.Now,
		Engine: func(context.Context) (string, error) { return "a test's", nil },
	})
	if len(results) != len(table(Options{Engine: func(context.Context) (string, error) { return "", nil }})) {
		t.Errorf("%d results", len(results))
	}
	for _, r := range results {
		if r.Name == "" || r.For == "" || r.Found == "" || (r.Mend == "") != (r.Level == OK) || strings.Contains(r.Found+r.Mend, "\n") {
			t.Errorf("%+v", r)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestOneLineIsBounded(t *testing.T) {
	if got := oneLine("a\n b\t\tc"); got != "a b c" {
		t.Errorf("%q", got)
	}
	if got := oneLine(strings.Repeat("é", maxShown)); len(got) > maxShown+len("…") || !strings.HasSuffix(got, "é…") {
		t.Errorf("%d bytes, ends %q", len(got), got[len(got)-8:])
	}
}

// TestPackagesAreThoseOfTheFile keeps the commands that mend and the file
// that names all packages from drifting apart.
func TestPackagesAreThoseOfTheFile(t *testing.T) {
	text, err := os.ReadFile("../../../system-packages.txt")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z0-9][a-z0-9.+-]*)`).FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, m[1])
	}
	for _, arch := range []string{"amd64", "arm64"} {
		for _, c := range table(Options{Arch: arch}) {
			for _, p := range c.packages {
				if arch == "amd64" && !slices.Contains(listed, p) || !strings.Contains(string(text), p) {
					t.Errorf("%s: %s is not in system-packages.txt", arch, p)
				}
			}
		}
	}
	if len(listed) < 5 {
		t.Errorf("only %v", listed)
	}
}
