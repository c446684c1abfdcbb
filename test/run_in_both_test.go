package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/runners/container"
	"github.com/bakelite/bakelite/runners/machine"
	"github.com/bakelite/bakelite/test/harness"
)

const (
	// differences lists, line by line, all that a service sees otherwise in the
	// disk; docs/service.md says why.
	differences = "testdata/witness/differences.txt"
	// grown is what the disk is made larger by, in bytes.
	grown = 1 << 30
)

// TestServiceSeesTheSame bakes a service that tells what it sees and may do,
// runs it in both artifacts, and compares: what differs stands in a list. The
// disk is larger than it was baked, and the service has its room; it is prepared
// once, whoever starts it again.
func TestServiceSeesTheSame(t *testing.T) {
	s := harness.EmptySite(t)
	s.Copy("testdata/witness")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(s.Dir, "witness"), "./testdata/witness")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the service: %v\n%s", err, out)
	}
	r := s.Run("build", "--json", "--skip-tests", "web").Result(t)
	loaded, err := app.Load(s.App())
	if err != nil {
		t.Fatal(err)
	}
	a := app.WithDefaults(*loaded)
	inContainer, onDisk := witnessed(t, runContainer(s, r, a)), runDisk(s, r, a)
	seen := witnessed(t, onDisk)
	var size int64
	if _, err := fmt.Sscanf(seen["folder /srv/data size"], "%d MiB", &size); err != nil || size<<20 < int64(a.VM.Size) {
		t.Errorf("the state of a disk that is larger by 1 GiB has room of %s", seen["folder /srv/data size"])
	}
	restarted(t, onDisk)
	if got := askWitness(t, onDisk, "/file?name=/srv/data/first"); got != "prepared by 33\n" {
		t.Errorf("after another start %q stands there", got)
	}
	compareSeen(t, inContainer, seen)
}

// dialer reaches a service.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func runContainer(s harness.Site, r harness.Result, a app.App) dialer {
	s.T.Helper()
	image := r.Artifact(s.T, "layout")
	c, err := container.Start(s.T.Context(), container.Options{
		Layout: s.Path(image), Digest: image.Digest, App: a, State: s.T.TempDir(), Values: a.ValuesForTests(),
	})
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(c.Stop)
	return c.Dial
}

func runDisk(s harness.Site, r harness.Result, a app.App) dialer {
	s.T.Helper()
	dir := s.T.TempDir()
	disk := filepath.Join(dir, "disk.raw")
	harness.Tool(s.T, "cp", "--sparse=always", s.Path(r.Artifact(s.T, "raw")), disk)
	if err := os.Truncate(disk, harness.FileSize(s.T, disk)+grown); err != nil {
		s.T.Fatal(err)
	}
	m, report, err := reportOf(s.T, machine.Options{Disk: disk, App: a, State: dir, Values: a.ValuesForTests(), Report: true})
	if again, why, ok := m.Retry(); ok {
		s.T.Log("booted once more:", why)
		m, report, err = reportOf(s.T, again)
	}
	if err != nil || len(report.Failed) > 0 {
		s.T.Fatalf("%v: %+v\n%s", err, report.Failed, harness.Last(harness.Read(s.T, m.Log), 4<<10))
	}
	return m.Dial
}

func reportOf(t *testing.T, o machine.Options) (*machine.Machine, machine.Report, error) {
	t.Helper()
	m, err := machine.Boot(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Stop)
	report, err := m.Wait(t.Context())
	return m, report, err
}

// ask asks the service, until it answers.
func ask(ctx context.Context, dial dialer, path string) (string, error) {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	for {
		response, err := client.Get("http://127.0.0.1:8080" + path)
		if err == nil {
			defer response.Body.Close()
			text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
			return string(text), err
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func askWitness(t *testing.T, dial dialer, path string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	text, err := ask(ctx, dial, path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func witnessed(t *testing.T, dial dialer) map[string]string {
	t.Helper()
	seen := map[string]string{}
	if text := askWitness(t, dial, "/"); json.Unmarshal([]byte(text), &seen) != nil || len(seen) < 100 {
		t.Fatalf("the service tells of %d things: %s", len(seen), text)
	}
	return seen
}

// restarted ends the service, and waits until it is there again.
func restarted(t *testing.T, dial dialer) {
	t.Helper()
	before := askWitness(t, dial, "/started")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	if request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:8080/exit?code=9", nil); err == nil {
		if response, err := client.Do(request); err == nil { // the service ends before it answers
			response.Body.Close()
		}
	}
	for range 600 {
		if after := askWitness(t, dial, "/started"); after != before {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("the service did not end")
}

// room is the size of a folder that lasts: that of its disk.
var room = regexp.MustCompile(`^folder (/srv/data|/var/lib/witness) size$`)

func compareSeen(t *testing.T, inContainer, onDisk map[string]string) {
	t.Helper()
	all := maps.Clone(inContainer)
	maps.Copy(all, onDisk)
	listed := strings.SplitAfter(harness.Read(t, differences), "\n")
	var seen []string
	for _, subject := range slices.Sorted(maps.Keys(all)) {
		c, d := told(subject, inContainer[subject]), told(subject, onDisk[subject])
		line := fmt.Sprintf("%s: %s | %s\n", subject, c, d)
		if c != d && (slices.Contains(listed, line) || !ofThisMachine(subject, c, d)) {
			seen = append(seen, line)
		}
	}
	if os.Getenv("BAKELITE_TEST_UPDATE") != "" {
		harness.Overwrite(t, differences, []byte(strings.Join(seen, "")))
	}
	if more, fewer := without(seen, listed), without(listed, append(seen, "")); len(more)+len(fewer) > 0 {
		t.Errorf("of what differs (in the container | on the disk) %s lacks\n%sand lists besides\n%s", differences, strings.Join(more, ""), strings.Join(fewer, ""))
	}
}

func without(all, these []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(these, s) })
}

// told is what was seen, in words that hold under every kernel: what it lacks
// and what is hidden are both closed to a reader.
func told(subject, seen string) string {
	switch {
	case seen == "":
		return "nothing"
	case strings.HasPrefix(subject, "read /") && seen != "works":
		return "closed"
	}
	return seen
}

// ofThisMachine reports whether a difference comes from where the test runs: its
// kernel lacks what the disk's has, or it may not give the container more than
// it has.
func ofThisMachine(subject, inContainer, onDisk string) bool {
	switch kind, name, _ := strings.Cut(subject, " "); kind {
	case "folder":
		return room.MatchString(subject)
	case "limit":
		own, theirs := number(inContainer), number(onDisk)
		return own >= 0 && (theirs < 0 || own < theirs)
	case "oom":
		return number(inContainer) > number(onDisk)
	case "read":
		_, err := os.Lstat(name)
		return (strings.HasPrefix(name, "/proc/") || strings.HasPrefix(name, "/sys/")) && errors.Is(err, fs.ErrNotExist)
	case "socket":
		return inContainer == "EAFNOSUPPORT" && onDisk == "works"
	case "device":
		return name == "core" // a link to /proc/kcore, where the kernel has that
	case "call":
		niced, _ := unix.Getpriority(unix.PRIO_PROCESS, 0) // 20 less it
		return name != "of a newer kernel" && (inContainer == "ENOSYS" || inContainer == "EOPNOTSUPP") || name == "setpriority" && niced < 20
	}
	return false
}

// number reads the one that a text begins with, -1 for unlimited.
func number(text string) int64 {
	first, _, _ := strings.Cut(text, " ")
	n, _ := strconv.ParseInt(first, 10, 64)
	return n
}
