package form_test

import (
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/profile/form"
)

// apps differ in every key that makes a difference between forms.
func apps() map[string]app.App {
	return map[string]app.App{
		"least": {Name: "least", Service: app.Service{Command: []string{"/bin/a"}, User: "web"}},
		"most": {Name: "most", Files: []app.File{{To: "/home/x"}}, Service: app.Service{
			Command: []string{"/bin/a b", `"$x"`, "%n", ""}, User: "web", Dir: "/srv/%h", Ports: []app.Port{{Number: 80}, {Number: 53, Protocol: "udp"}},
			Environment: map[string]string{"A": "b c", "PATH": "/opt"}, Writable: []string{"/run/web", "/srv/cache", "/var/lib/web"}, State: []string{"/srv/data", "/var/lib/kept"},
			Resources:  app.Resources{Memory: 96 << 20, CPUs: 1.25, PIDs: 40},
			StopSignal: "SIGQUIT", StopGrace: 90e9, Allow: app.Allowances(),
			Secrets: []string{"password"}, Config: []string{"app.env"}, Prepare: &app.Prepare{Run: [][]string{{"/bin/init", "a b"}}},
		}},
	}
}

// directives are those of a unit by name, in their order.
func directives(text string) map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimRight(line, "\n"), "="); ok && !strings.HasPrefix(line, "#") {
			all[key] = append(all[key], value)
		}
	}
	return all
}

// TestUnitAndSpecSayTheSame reads the container's runtime spec and the
// machine's unit as their readers do, and compares what they say.
func TestUnitAndSpecSayTheSame(t *testing.T) {
	for name, a := range apps() {
		t.Run(name, func(t *testing.T) {
			p := profile.Of(a)
			image := p
			image.Command = p.Start() // what an image has as its command
			u, s := directives(form.Units(p)[0].Text), form.Spec(image, profile.Identity{UID: 7, GID: 8}, "/r", "/s")
			last := func(key string) string {
				if len(u[key]) == 0 {
					return ""
				}
				return u[key][len(u[key])-1]
			}
			for what, both := range map[string][2]string{
				"command":          {":" + form.Words(s.Process.Args), last("ExecStart")},
				"environment":      {form.Words(s.Process.Env), strings.Join(u["Environment"], " ")},
				"folder":           {strings.ReplaceAll(s.Process.Cwd, "%", "%%"), last("WorkingDirectory")},
				"umask":            {fmt.Sprintf("%04o", *s.Process.User.Umask), last("UMask")},
				"memory":           {memory(s), last("MemoryMax")},
				"swap":             {swap(s), last("MemorySwapMax")},
				"processors":       {processors(s), last("CPUQuota")},
				"processes":        {strconv.FormatInt(*s.Linux.Resources.Pids.Limit, 10), last("TasksMax")},
				"memory is short":  {strconv.Itoa(*s.Process.OOMScoreAdj), last("OOMScoreAdjust")},
				"new privileges":   {yes(s.Process.NoNewPrivileges), last("NoNewPrivileges")},
				"rights":           {strings.Join(s.Process.Capabilities.Bounding, " "), last("CapabilityBoundingSet")},
				"ambient rights":   {strings.Join(s.Process.Capabilities.Ambient, " "), last("AmbientCapabilities")},
				"system calls":     {named(s), sorted(strings.NewReplacer(" clone3 ", " ", " openat2 ", " ").Replace(u["SystemCallFilter"][0]))},
				"refused calls":    {refused(s), last("SystemCallErrorNumber")},
				"sockets":          {sockets(s), last("RestrictAddressFamilies")},
				"read-only system": {fmt.Sprint(s.Root.Readonly), fmt.Sprint(last("ProtectSystem") == "strict")},
				"writable":         {strings.Join(writable(s), " "), last("ReadWritePaths")},
				"executable":       {strings.Join(executable(s), " "), strings.Join(executableOnDisk(p, u["BindPaths"]), " ")},
			} {
				if both[0] != both[1] {
					t.Errorf("%s: the container has\n%s\nand the machine\n%s", what, both[0], both[1])
				}
			}
			for _, l := range s.Process.Rlimits {
				if got := last(strings.Replace(l.Type, "RLIMIT_", "Limit", 1)); got != bounds(l) {
					t.Errorf("%s: the container has %s and the machine %s", l.Type, bounds(l), got)
				}
			}
			for _, d := range p.Denials() {
				if last(d.Unit) != "yes" {
					t.Errorf("%v are refused by their arguments, and the unit has %s=%s", d.Calls, d.Unit, last(d.Unit))
				}
			}
			if got := last("MemoryDenyWriteExecute"); got != yes(!p.WriteExecute) {
				t.Errorf("memory that is written and executed: the unit denies it: %s", got)
			}
			if p.StopSignal != last("KillSignal") || last("TimeoutStopSec") != fmt.Sprintf("%dms", p.StopGrace.Milliseconds()) {
				t.Errorf("the machine ends the service by %s after %s", last("KillSignal"), last("TimeoutStopSec"))
			}
		})
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func sorted(list string) string {
	return strings.Join(slices.Sorted(slices.Values(strings.Fields(list))), " ")
}

func memory(s *specs.Spec) string {
	if s.Linux.Resources.Memory == nil {
		return ""
	}
	return strconv.FormatInt(*s.Linux.Resources.Memory.Limit, 10)
}

func swap(s *specs.Spec) string {
	if m := s.Linux.Resources.Memory; m != nil {
		return strconv.FormatInt(*m.Swap-*m.Limit, 10)
	}
	return ""
}

func processors(s *specs.Spec) string {
	if c := s.Linux.Resources.CPU; c != nil {
		return fmt.Sprintf("%d%%", *c.Quota*100/int64(*c.Period))
	}
	return ""
}

// bounds is a limit as a unit states it.
func bounds(l specs.POSIXRlimit) string {
	return strings.ReplaceAll(fmt.Sprintf("%d:%d", l.Soft, l.Hard), strconv.FormatUint(math.MaxUint64, 10), "infinity")
}

// named are the calls of which some are let through.
func named(s *specs.Spec) string {
	all := map[string]bool{}
	for _, rule := range s.Linux.Seccomp.Syscalls {
		for _, name := range rule.Names {
			if rule.Action == specs.ActAllow {
				all[name] = true
			}
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(all)), " ")
}

// refused is how calls fail that are refused by their names.
func refused(s *specs.Spec) string {
	for _, rule := range s.Linux.Seccomp.Syscalls {
		if slices.Contains(rule.Names, "mount") && rule.Action == specs.ActErrno && *rule.ErrnoRet == uint(unix.EPERM) {
			return "EPERM"
		}
	}
	return "not"
}

func sockets(s *specs.Spec) string {
	var all []string
	for _, f := range profile.Families() {
		for _, rule := range s.Linux.Seccomp.Syscalls {
			if rule.Names[0] == "socket" && rule.Action == specs.ActAllow && rule.Args[0].Value == uint64(f.Number) {
				all = append(all, f.Name)
			}
		}
	}
	return strings.Join(all, " ")
}

func writable(s *specs.Spec) []string {
	var all []string
	for _, m := range s.Mounts {
		if (m.Type == "tmpfs" || m.Type == "bind") && !strings.HasPrefix(m.Destination, "/dev") {
			all = append(all, m.Destination)
		}
	}
	return all
}

// executable are the folders from which programs run: those without noexec.
func executable(s *specs.Spec) []string {
	var all []string
	for _, m := range s.Mounts {
		if slices.Contains(writable(s), m.Destination) && !slices.Contains(m.Options, "noexec") {
			all = append(all, m.Destination)
		}
	}
	return all
}

// executableOnDisk are those that lie in a file system without noexec.
func executableOnDisk(p profile.Profile, binds []string) []string {
	var all []string
	for _, m := range form.Memories(p) {
		for _, bind := range binds {
			if at, path, _ := strings.Cut(bind, ":"); m.Execution != "noexec" && at == m.At+"/folder" {
				all = append(all, path)
			}
		}
	}
	return all
}

// TestExecutableFoldersAreNarrow: what lasts and what everybody writes to can
// never be run.
func TestExecutableFoldersAreNarrow(t *testing.T) {
	want := []string{"/run/web", "/srv/cache", "/var/lib/web"}
	for name, a := range apps() {
		p := profile.Of(a)
		if got := executable(form.Spec(p, profile.Identity{UID: 7, GID: 8}, "/r", "/s")); name == "most" && !slices.Equal(got, want) || name == "least" && len(got) > 0 {
			t.Errorf("%s: programs run in %v", name, got)
		}
		for _, f := range p.Folders {
			if got := strings.Contains((form.Hosted{Profile: p}).Tmpfs(f), ",exec,"); got != f.Executable {
				t.Errorf("%s: container engines run programs in %s: %v", name, f.Path, got)
			}
		}
	}
}

// TestExposure asks systemd itself what it thinks of the unit.
func TestExposure(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip(err)
	}
	a := apps()["least"]
	unit := form.Units(profile.Of(a))[0]
	file := filepath.Join(t.TempDir(), filepath.Base(unit.Path))
	if err := os.WriteFile(file, []byte(unit.Text), 0o644); err != nil {
		t.Fatal(err)
	}
	// The threshold is in tenths, and exceeded from the next one on.
	said, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--no-pager", "--threshold=11", file).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
