package test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// packerVersion is that of the Packer that the plugin is tested with. It is
// built as a program of its own: its licence keeps it out of this module.
const packerVersion = "1.15.0"

// TestPackerMakesTheSameDisk bakes the example by packer build, with an engine
// that the plugin starts, and compares the files with those of bakelite build;
// Packer's own post-processor computes the digests.
func TestPackerMakesTheSameDisk(t *testing.T) {
	first, s := firstBake(t), newSite(t)
	p := newPacker(t, s)
	s.run("engine", "stop").want(t, 0)
	p.run("validate", p.template).want(t, 0, "The configuration is valid.")
	o := p.run("build", "-var", "skip_tests=true", p.template).want(t, 0, "==> bakelite-disk.web: #")
	sums, want := read(t, filepath.Join(s.out, "web.sha256")), first.outcome.result(t)
	for _, format := range []string{"qcow2", "raw"} {
		digest := want.digest(t, format)
		if line := strings.TrimPrefix(digest, "sha256:") + "\tweb." + format; !strings.Contains(sums, line) {
			t.Errorf("Packer's checksums lack %q:\n%s", line, sums)
		}
		if !strings.Contains(o.stderr, format+", ") || !strings.Contains(o.stderr, digest) {
			t.Errorf("Packer does not list the %s of %s:\n%s", format, digest, last(o.stderr, 2<<10))
		}
	}
	if got := strings.TrimSpace(read(t, filepath.Join(s.out, "web.qcow2.digest"))); got != want.digest(t, "qcow2") {
		t.Errorf("a post-processor saw the digest %q", got)
	}
	if found := engines(s.state); len(found) != 1 || !strings.Contains(found[0], "packer-plugin-bakelite") {
		t.Errorf("want one engine, of the plugin: %q", found)
	}
	p.run("build", "-var", "skip_tests=true", p.template).want(t, 0, "web is up to date")
	leavesNothing(t)
	tool(t, p.plugin, "engine", "stop")
}

// TestPackerRefuses gives Packer templates and app files that are wrong.
func TestPackerRefuses(t *testing.T) {
	s := newSite(t)
	p := newPacker(t, s)
	s.replace("app.yaml", "packages:", "packges:")
	for name, test := range map[string]struct{ body, want string }{
		"unknown key":  {"app = \"web\"\n outputs = \"x\"", `An argument named "outputs" is not expected here. Did you mean "output"?`},
		"nested block": {"app = \"web\"\n vm { size = 1 }", `Blocks of type "vm" are not expected here.`},
		"wrong type":   {"app = \"web\"\n frozen = \"perhaps\"", "a bool is required"},
		"no app":       {"", `The argument "app" is required`},
		"empty app":    {`app = ""`, "app names no file; set it to"},
		"absent app":   {`app = "nowhere"`, "next: name an app file"},
		"wrong app":    {`app = "web"`, `did you mean "packages"?`},
	} {
		t.Run(name, func(t *testing.T) {
			template := filepath.Join(t.TempDir(), "t.pkr.hcl")
			text := "source \"bakelite-disk\" \"x\" {\n" + test.body + "\n}\nbuild { sources = [\"source.bakelite-disk.x\"] }\n"
			if err := os.WriteFile(template, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			p.run("validate", template).want(t, 1, test.want)
		})
	}
	s.replace("app.yaml", "packges:", "packages:")
	if err := os.Remove(s.lock()); err != nil {
		t.Fatal(err)
	}
	p.run("build", p.template).want(t, 1, "the lock may not change", "next: run: bakelite lock")
	s.names()
}

// TestPackerInterrupted stops packer build by Ctrl-C, which a terminal sends
// to the plugin too, and by the death of Packer, which the plugin survives.
func TestPackerInterrupted(t *testing.T) {
	s := newSite(t)
	p := newPacker(t, s)
	s.replace("site/index.html", "Set hard", "Set hard in Packer")
	s.run("lock", "web").want(t, 0)
	for _, moment := range []string{`write raw`, `\[test\] disk`} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
			c := p.start("build", p.template)
			c.until(moment)
			target := -c.cmd.Process.Pid
			if sig == syscall.SIGKILL {
				target = child(t, c.cmd.Process.Pid)
			}
			if err := syscall.Kill(target, sig); err != nil {
				t.Fatal(err)
			}
			o := c.wait()
			if sig == syscall.SIGINT && (o.code == 0 || !strings.Contains(o.stderr, "Cleanly cancelled builds after being interrupted.")) {
				t.Errorf("%v at %q: exit code %d:\n%s", sig, moment, o.code, last(o.stderr, 2<<10))
			}
			s.names()
			leavesNothing(t)
		}
	}
	p.run("build", "-var", "skip_tests=true", p.template).want(t, 0)
	s.names("web.qcow2", "web.qcow2.digest", "web.raw", "web.receipt.json", "web.sha256")
}

// child returns the process that Packer's first one watches, and in which it
// does its work.
func child(t *testing.T, parent int) int {
	t.Helper()
	var all []string
	for _, list := range paths(t, fmt.Sprintf("/proc/%d/task/*/children", parent)) {
		all = append(all, strings.Fields(read(t, list))...)
	}
	if len(all) != 1 {
		t.Fatalf("Packer has the children %q", all)
	}
	pid, err := strconv.Atoi(all[0])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func paths(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// packer is a Packer with our plugin, at work beside a site's app.
type packer struct {
	site
	program, plugin, template string
	env                       []string
}

func newPacker(t *testing.T, s site) packer {
	t.Helper()
	template, err := filepath.Abs("../templates/packer/web.pkr.hcl")
	if err != nil {
		t.Fatal(err)
	}
	p := packer{site: s, program: buildPacker(t), plugin: filepath.Join(here.dir, "packer-plugin-bakelite"), template: template}
	p.t = t
	p.env = append(environment(s.state, filepath.Join(filepath.Dir(s.dir), "unused")), "CHECKPOINT_DISABLE=1", "PACKER_NO_COLOR=1",
		"PACKER_PLUGIN_PATH="+filepath.Join(here.dir, "plugins"), "PACKER_CONFIG_DIR="+here.dir,
		"PKR_VAR_app=web", "PKR_VAR_output="+filepath.Base(s.out))
	if _, err := os.Stat(p.plugin); err != nil {
		build := exec.Command("go", "build", "-trimpath", "-tags", "embedprograms", "-overlay", embedding(t), "-buildvcs=false", "-ldflags", "-s -w", "-o", p.plugin, "../cmd/packer-plugin-bakelite")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building the plugin: %v\n%s", err, out)
		}
		p.run("plugins", "install", "--path", p.plugin, "github.com/bakelite/bakelite").want(t, 0)
	}
	return p
}

// embedding has a build put the small programs into what it makes, as make does,
// and writes nothing into the source: Packer installs a plugin without what lies
// beside it.
func embedding(t *testing.T) string {
	t.Helper()
	places := map[string]string{}
	for _, name := range []string{"bakelite-service", "bakelite-tree"} {
		place, err := filepath.Abs("../cmd/internal/programs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		places[place] = filepath.Join(here.dir, name)
	}
	return writeFile(t, filepath.Join(t.TempDir(), "overlay.json"), quoted(t, map[string]any{"Replace": places}))
}

// buildPacker builds Packer once and keeps it in the user's cache folder.
func buildPacker(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(cache, "bakelite-test", "packer-"+packerVersion, "packer")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	work, err := os.MkdirTemp(here.dir, "packer-")
	if err != nil {
		t.Fatal(err)
	}
	module := "module packerhost\n\ngo 1.26\n\nrequire github.com/hashicorp/packer v" + packerVersion +
		"\n\nreplace github.com/zclconf/go-cty => github.com/nywilken/go-cty v1.13.3\n"
	if err := os.WriteFile(filepath.Join(work, "go.mod"), []byte(module), 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", "packer", "github.com/hashicorp/packer")
	build.Dir, build.Env = work, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		lacking(t, "Packer "+packerVersion+", which go build did not make: "+last(string(out), 2<<10))
	}
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	// The cache may be on another file system: copy first, name last.
	partial := fmt.Sprintf("%s.%d", program, os.Getpid())
	tool(t, "cp", filepath.Join(work, "packer"), partial)
	if err := os.Rename(partial, program); err != nil {
		t.Fatal(err)
	}
	return program
}

// start runs packer in the background, in a process group of its own; what it
// says on stdout counts as stderr.
func (p packer) start(args ...string) *command {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandLimit)
	c := &command{t: p.t, cmd: exec.CommandContext(ctx, p.program, args...), ended: make(chan struct{})}
	c.cmd.Dir, c.cmd.Env = filepath.Dir(p.dir), p.env
	c.cmd.Stdout, c.cmd.Stderr = &c.stderr, &c.stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.WaitDelay = time.Minute
	if err := c.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.ended)
	}()
	p.t.Cleanup(func() { cancel(); <-c.ended })
	return c
}

func (p packer) run(args ...string) outcome {
	p.t.Helper()
	return p.start(args...).wait()
}
