package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bakelite/bakelite/test/harness"
)

// packerVersion is that of the Packer that the plugin is tested with. It is
// built as a program of its own: its licence keeps it out of this module.
const packerVersion = "1.15.0"

// TestPackerMakesTheSameDisk bakes the example by packer build, with an engine
// that the plugin starts, and compares the files with those of bakelite build;
// Packer's own post-processor computes the digests.
func TestPackerMakesTheSameDisk(t *testing.T) {
	first, s := harness.FirstBake(t), harness.NewSite(t)
	p := newPacker(t, s)
	s.Run("engine", "stop").Want(t, 0)
	p.run("validate", p.template).Want(t, 0, "The configuration is valid.")
	o := p.run("build", "-var", "skip_tests=true", p.template).Want(t, 0, "==> bakelite-disk.web: #")
	sums, want := harness.Read(t, filepath.Join(s.Out, "web.sha256")), first.Outcome.Result(t)
	for _, format := range []string{"qcow2", "raw"} {
		digest := want.Digest(t, format)
		if line := strings.TrimPrefix(digest, "sha256:") + "\tweb." + format; !strings.Contains(sums, line) {
			t.Errorf("Packer's checksums lack %q:\n%s", line, sums)
		}
		if !strings.Contains(o.Stderr, format+", ") || !strings.Contains(o.Stderr, digest) {
			t.Errorf("Packer does not list the %s of %s:\n%s", format, digest, harness.Last(o.Stderr, 2<<10))
		}
	}
	if got := strings.TrimSpace(harness.Read(t, filepath.Join(s.Out, "web.qcow2.digest"))); got != want.Digest(t, "qcow2") {
		t.Errorf("a post-processor saw the digest %q", got)
	}
	if found := harness.Engines(s.State); len(found) != 1 || !strings.Contains(found[0], "packer-plugin-bakelite") {
		t.Errorf("want one engine, of the plugin: %q", found)
	}
	p.run("build", "-var", "skip_tests=true", p.template).Want(t, 0, "web is up to date")
	harness.LeavesNothing(t)
	harness.Tool(t, p.plugin, "engine", "stop")
}

// TestPackerRefuses gives Packer templates and app files that are wrong.
func TestPackerRefuses(t *testing.T) {
	s := harness.NewSite(t)
	p := newPacker(t, s)
	s.Replace("app.yaml", "packages:", "packges:")
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
			p.run("validate", template).Want(t, 1, test.want)
		})
	}
	s.Replace("app.yaml", "packges:", "packages:")
	if err := os.Remove(s.Lock()); err != nil {
		t.Fatal(err)
	}
	p.run("build", p.template).Want(t, 1, "the lock may not change", "next: run: bakelite lock")
	s.Names()
}

// TestPackerInterrupted stops packer build by Ctrl-C, which a terminal sends
// to the plugin too, and by the death of Packer, which the plugin survives:
// once while a disk's file grows, and once while a machine runs.
func TestPackerInterrupted(t *testing.T) {
	s := harness.NewSite(t)
	p := newPacker(t, s)
	s.Replace("site/index.html", "Set hard", "Set hard in Packer")
	s.Run("lock", "web").Want(t, 0)
	for moment, until := range map[string]func(*harness.Command){
		"a growing disk":    func(c *harness.Command) { untilGrows(s, c, ".web-*.partial") },
		"a running machine": func(c *harness.Command) { untilRuns(s, c, "qemu") },
	} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
			c := p.start("build", p.template)
			until(c)
			target := -c.Cmd.Process.Pid
			if sig == syscall.SIGKILL {
				target = child(t, c.Cmd.Process.Pid)
			}
			if err := syscall.Kill(target, sig); err != nil {
				t.Fatal(err)
			}
			o := c.Wait()
			if sig == syscall.SIGINT && (o.Code == 0 || !strings.Contains(o.Stderr, "Cleanly cancelled builds after being interrupted.")) {
				t.Errorf("%v at %q: exit code %d:\n%s", sig, moment, o.Code, harness.Last(o.Stderr, 2<<10))
			}
			s.Names()
			harness.LeavesNothing(t)
		}
	}
	p.run("build", "-var", "skip_tests=true", p.template).Want(t, 0)
	s.Names("web.qcow2", "web.qcow2.digest", "web.raw", "web.receipt.json", "web.sha256")
}

// untilGrows waits for a file with content among those that bear no final name.
func untilGrows(s harness.Site, c *harness.Command, pattern string) {
	s.T.Helper()
	for {
		for _, path := range paths(s.T, filepath.Join(s.Out, ".web.work", pattern)) {
			if info, err := os.Stat(path); err == nil && info.Size() > 0 {
				return
			}
		}
		select {
		case <-c.Ended:
			s.T.Fatalf("ended without a %s:\n%s", pattern, c.Said())
		case <-time.After(time.Millisecond):
		}
	}
}

// child returns the process that Packer's first one watches, and in which it
// does its work.
func child(t *testing.T, parent int) int {
	t.Helper()
	var all []string
	for _, list := range paths(t, fmt.Sprintf("/proc/%d/task/*/children", parent)) {
		all = append(all, strings.Fields(harness.Read(t, list))...)
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
	harness.Site
	program, plugin, template string
	env                       []string
}

func newPacker(t *testing.T, s harness.Site) packer {
	t.Helper()
	template, err := filepath.Abs("../templates/packer/web.pkr.hcl")
	if err != nil {
		t.Fatal(err)
	}
	p := packer{Site: s, program: buildPacker(t), plugin: filepath.Join(harness.Here.Dir, "packer-plugin-bakelite"), template: template}
	p.T = t
	p.env = append(harness.Environment(s.State, filepath.Join(filepath.Dir(s.Dir), "unused")), "CHECKPOINT_DISABLE=1", "PACKER_NO_COLOR=1",
		"PACKER_PLUGIN_PATH="+filepath.Join(harness.Here.Dir, "plugins"), "PACKER_CONFIG_DIR="+harness.Here.Dir,
		"PKR_VAR_app=web", "PKR_VAR_output="+filepath.Base(s.Out))
	if _, err := os.Stat(p.plugin); err != nil {
		build := exec.Command("go", "build", "-trimpath", "-tags", "embedprograms", "-overlay", embedding(t), "-buildvcs=false", "-ldflags", "-s -w", "-o", p.plugin, "../cmd/packer-plugin-bakelite")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building the plugin: %v\n%s", err, out)
		}
		p.run("plugins", "install", "--path", p.plugin, "github.com/bakelite/bakelite").Want(t, 0)
	}
	return p
}

// embedding has a build put the small programs into what it makes, as make does,
// and writes nothing into the source: Packer installs a plugin without what lies
// beside it.
func embedding(t *testing.T) string {
	t.Helper()
	places := map[string]string{}
	for _, name := range []string{"bakelite-check", "bakelite-service", "bakelite-tree"} {
		place, err := filepath.Abs("../cmd/internal/programs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		places[place] = filepath.Join(harness.Here.Dir, name)
	}
	return harness.WriteFile(t, filepath.Join(t.TempDir(), "overlay.json"), harness.JSON(t, map[string]any{"Replace": places}))
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
	work, err := os.MkdirTemp(harness.Here.Dir, "packer-")
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
		harness.Lacking(t, "Packer "+packerVersion+", which go build did not make: "+harness.Last(string(out), 2<<10))
	}
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	// The cache may be on another file system: copy first, name last.
	partial := fmt.Sprintf("%s.%d", program, os.Getpid())
	harness.Tool(t, "cp", filepath.Join(work, "packer"), partial)
	if err := os.Rename(partial, program); err != nil {
		t.Fatal(err)
	}
	return program
}

// start runs packer in the background, in a process group of its own; what it
// says on stdout counts as stderr.
func (p packer) start(args ...string) *harness.Command {
	p.T.Helper()
	return harness.Launch(p.T, p.program, args, func(cmd *exec.Cmd) {
		cmd.Dir, cmd.Env, cmd.Stdout = filepath.Dir(p.Dir), p.env, cmd.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	})
}

func (p packer) run(args ...string) harness.Outcome {
	p.T.Helper()
	return p.start(args...).Wait()
}
