// Package test holds the end-to-end tests: they run the program as a user
// does, on the real Debian archive, the real engine, runc and QEMU, and look
// at what it says, makes and leaves behind. They need root, and minutes.
//
// A file's name begins with the flow that it tests and goes on with what is
// particular or goes wrong:
//
//	bake_…      build, up to the receipt: bases, bytes, what is the app's own, the corpus,
//	            several at once, full disks, signals
//	rebuild     the archive's updates
//	publish_…   scan, gate, signatures, registries, channels, and who is killed meanwhile
//	verify_…    what consumers refuse
//	look_…      scan, diff and JSON of what is there
//	run_…, boot_…  what a person starts, and what was tampered with
//	packer      the same disk by packer build, and what interrupts it
//	whole, wrong_input  the whole line, and mistakes of the user's
//
// What a test waits for is an effect, a step by its name in --progress json, or
// what a command says in the end; but Packer shows a plugin's lines alone.
//
// What they stand on: main (one place for all), site (an app and its folders),
// command (a run of bakelite), shop, keyless_shop and registries (where things
// are published), trace (what a process did), disk, secureboot and needs.
package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// place is where one run of the tests happens; everything that it makes lies
// in one folder, so that what is left behind can be told from all else.
type place struct {
	dir, binary, state string
	// secureBoot are settings: see secureBoot.
	secureBoot []string
}

// here is set once, before the first test.
var here place

func TestMain(m *testing.M) {
	if err := here.open(); err != nil {
		fmt.Fprintln(os.Stderr, "preparing the end-to-end tests:", err)
		os.Exit(1)
	}
	code := m.Run()
	if err := here.close(); err != nil {
		fmt.Fprintln(os.Stderr, "FAIL: after the end-to-end tests:", err)
		code = 1
	}
	os.Exit(code)
}

func (p *place) open() error {
	dir, err := os.MkdirTemp("", "bakelite-e2e-")
	if err != nil {
		return err
	}
	*p = place{dir: dir, binary: filepath.Join(dir, "bakelite"), state: filepath.Join(dir, "state")}
	if p.secureBoot, err = secureBoot(dir); err != nil {
		return fmt.Errorf("making a key for Secure Boot: %w", err)
	}
	for name, from := range map[string]string{
		"bakelite": "../cmd/bakelite", "bakelite-check": "../cmd/bakelite-check", "bakelite-service": "../cmd/bakelite-service", "bakelite-tree": "../cmd/bakelite-tree",
		"bakelite-scan": "../cmd/bakelite-scan", "testdb": "./testdb",
	} {
		build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), from)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if name == "bakelite-scan" || name == "testdb" { // they contain Trivy
			build.Env = append(build.Env, "GOEXPERIMENT=jsonv2")
		}
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// close stops every engine of this run and says what is left nevertheless.
func (p *place) close() error {
	states, err := filepath.Glob(filepath.Join(p.dir, "*", "engine"))
	if err != nil {
		return err
	}
	var problems []string
	for _, state := range states {
		stop := exec.Command(p.binary, "engine", "stop")
		stop.Env = environment(filepath.Dir(state), p.dir)
		if out, err := stop.CombinedOutput(); err != nil {
			problems = append(problems, fmt.Sprintf("stopping the engine of %s: %v: %s", state, err, out))
		}
	}
	if left := settled(func() []string { return append(processes(p.dir), mounts(p.dir)...) }); len(left) > 0 {
		problems = append(problems, "these are left:\n  "+strings.Join(left, "\n  "))
	}
	if err := os.RemoveAll(p.dir); err != nil {
		problems = append(problems, err.Error())
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s", strings.Join(problems, "\n"))
	}
	return nil
}

// settleTime is what the end of a process or a mount may take on a busy
// machine.
const settleTime = 30 * time.Second

// settled waits until look finds nothing, and returns what it still finds at
// the end of the wait.
func settled(look func() []string) []string {
	for end := time.Now().Add(settleTime); ; time.Sleep(100 * time.Millisecond) {
		if found := look(); len(found) == 0 || time.Now().After(end) {
			return found
		}
	}
}
