package form_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/profile/form"
)

func hosted(a app.App, engine string) form.Hosted {
	return form.Hosted{
		Profile: profile.Of(a), App: "my apps/" + a.Name, Image: "registry.example.com/" + a.Name + "@sha256:00", ID: profile.Identity{UID: 7, GID: 8}, Engine: engine,
	}
}

func written(t *testing.T, h form.Hosted) string {
	t.Helper()
	text, err := h.Write()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestCommandsSayWhatTheSpecSays runs the command in a shell whose engine
// prints its arguments, and compares them with the runtime spec.
func TestCommandsSayWhatTheSpecSays(t *testing.T) {
	for name, a := range apps() {
		for _, engine := range []string{"docker", "podman"} {
			t.Run(engine+" "+name, func(t *testing.T) {
				out, err := exec.Command("sh", "-euc", engine+"() { printf '%s\\n' \"$@\"; }\n"+written(t, hosted(a, engine))).CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				args := strings.Split(strings.TrimSpace(string(out)), "\n")
				s := form.Spec(profile.Of(a), profile.Identity{UID: 7, GID: 8}, "/r", "/s")
				for _, want := range fromSpec(s) {
					if !strings.Contains("\n"+string(out), "\n"+want+"\n") {
						t.Errorf("there is no %q in\n%s", want, out)
					}
				}
				if got := tmpfs(args); !slices.Equal(got, inMemory(s)) {
					t.Errorf("in memory are %v, want %v", got, inMemory(s))
				}
				if last := args[len(args)-1]; last != "registry.example.com/"+a.Name+"@sha256:00" {
					t.Errorf("the command ends with %q", last)
				}
				if health := strings.Contains(string(out), "--health-cmd"); health != (engine == "podman" && a.Service.Health != nil) {
					t.Errorf("a health check is given: %v", health)
				}
			})
		}
	}
}

func openFiles(s *specs.Spec) string {
	i := slices.IndexFunc(s.Process.Rlimits, func(l specs.POSIXRlimit) bool { return l.Type == "RLIMIT_NOFILE" })
	return bounds(s.Process.Rlimits[i])
}

// fromSpec are the arguments that say what a spec says, with those before them.
func fromSpec(s *specs.Spec) []string {
	r := s.Linux.Resources
	all := []string{
		"--user\n7:8", "--read-only", "--cap-drop\nALL", "--security-opt\nno-new-privileges", "--security-opt\nseccomp=" + s.Hostname + ".seccomp.json",
		fmt.Sprintf("--pids-limit\n%d", *r.Pids.Limit), "--ulimit\nnofile=" + openFiles(s), "--ulimit\ncore=0",
	}
	if r.Memory != nil {
		all = append(all, fmt.Sprintf("--memory\n%d\n--memory-swap\n%d", *r.Memory.Limit, *r.Memory.Swap))
	}
	if r.CPU != nil {
		all = append(all, fmt.Sprintf("--cpus\n%g", float64(*r.CPU.Quota)/float64(*r.CPU.Period)))
	}
	if len(s.Process.Capabilities.Bounding) > 0 {
		all = append(all, "--sysctl\nnet.ipv4.ip_unprivileged_port_start=53")
	}
	return all
}

func tmpfs(args []string) []string {
	var all []string
	for i, arg := range args {
		if arg == "--tmpfs" {
			all = append(all, args[i+1])
		}
	}
	return all
}

// inMemory are a spec's folders in memory as --tmpfs takes them.
func inMemory(s *specs.Spec) []string {
	var all []string
	for _, m := range s.Mounts {
		if m.Type == "tmpfs" && slices.Contains(m.Options, "tmpcopyup") {
			options := slices.DeleteFunc(slices.Clone(m.Options), func(o string) bool { return o == "tmpcopyup" })
			all = append(all, m.Destination+":"+strings.Join(options, ","))
		}
	}
	return all
}

// TestFilesAreRead has files parsed by what reads their format, also for an app
// whose name would be another thing in YAML.
func TestFilesAreRead(t *testing.T) {
	all := apps()
	null := all["most"]
	null.Name = "null"
	null.Service.Health = &app.Health{Check: app.Check{HTTP: &app.HTTPCheck{Path: "/a?b={c}", Port: 80, Status: 200}}, Interval: 1500e6, Timeout: 1e9, Retries: 2}
	all["null"] = null
	for name, a := range all {
		for _, engine := range []string{"compose", "kubernetes"} {
			for i, document := range strings.Split(written(t, hosted(a, engine)), "\n---\n") {
				var v map[string]any
				if err := yaml.UnmarshalWithOptions([]byte(document), &v, yaml.Strict()); err != nil {
					t.Fatalf("%s for %s, document %d: %v\n%s", engine, name, i, err, document)
				}
				if engine == "kubernetes" && v["metadata"].(map[string]any)["name"] != a.Name {
					t.Errorf("%s: document %d is called %v", name, i, v["metadata"])
				}
			}
		}
		for _, engine := range []string{"runc", "seccomp"} {
			var v map[string]any
			if err := json.Unmarshal([]byte(written(t, hosted(a, engine))), &v); err != nil {
				t.Errorf("%s for %s: %v", engine, name, err)
			}
		}
		if units := written(t, hosted(a, "systemd")); !strings.Contains(units, "# /etc/systemd/system/app-"+a.Name+".service\n[Unit]\n") {
			t.Errorf("the units of %s are\n%s", name, units)
		}
	}
}

func TestUnknownForm(t *testing.T) {
	if _, err := hosted(apps()["least"], "dokcer").Write(); err == nil || !strings.Contains(err.Error(), "docker, ecs, kubernetes, podman") {
		t.Errorf("the error is %v", err)
	}
}

// TestTasksSayWhatTheSpecSays reads the task definition of ECS and compares it
// with the runtime spec; files that are given ECS has not.
func TestTasksSayWhatTheSpecSays(t *testing.T) {
	told := false
	for name, a := range apps() {
		h := hosted(a, "ecs")
		if len(h.Given) > 0 {
			if _, err := h.Write(); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), h.Given[0].Name) {
				t.Errorf("%s asks for files: %v", name, err)
			}
			h.Given, told = nil, true
		}
		var task struct {
			CPU                  string
			ContainerDefinitions []struct {
				Image, User            string
				ReadonlyRootFilesystem bool
				Memory                 int64
				DockerSecurityOptions  []string
				MountPoints            []struct{ ContainerPath string }
				HealthCheck            *struct{ Command []string }
				LinuxParameters        struct {
					Capabilities struct{ Drop, Add []string }
					Tmpfs        []struct {
						ContainerPath string
						Size          int64
						MountOptions  []string
					}
				}
			}
		}
		if err := json.Unmarshal([]byte(written(t, h)), &task); err != nil {
			t.Fatal(err)
		}
		c := task.ContainerDefinitions[0]
		s := form.Spec(profile.Of(a), profile.Identity{UID: 7, GID: 8}, "/r", "/s")
		if c.Image != h.Image || c.User != "7:8" || !c.ReadonlyRootFilesystem || !slices.Equal(c.DockerSecurityOptions, []string{"no-new-privileges"}) ||
			!slices.Equal(c.LinuxParameters.Capabilities.Drop, []string{"ALL"}) || c.LinuxParameters.Capabilities.Add != nil {
			t.Errorf("%s: %+v", name, c)
		}
		if m := s.Linux.Resources.Memory; m != nil && c.Memory<<20 < *m.Limit || m == nil && c.Memory != 0 {
			t.Errorf("%s: %d MiB", name, c.Memory)
		}
		if cpu := s.Linux.Resources.CPU; cpu != nil && task.CPU != fmt.Sprint(1024**cpu.Quota/int64(*cpu.Period)) || cpu == nil && task.CPU != "" {
			t.Errorf("%s: %s units of a processor", name, task.CPU)
		}
		var folders []string
		for _, f := range c.LinuxParameters.Tmpfs {
			folders = append(folders, fmt.Sprintf("%s:%s", f.ContainerPath, strings.Join(f.MountOptions, ",")))
		}
		for i, want := range inMemory(s) {
			options := slices.DeleteFunc(strings.Split(want, ","), func(o string) bool { return strings.HasPrefix(o, "size=") })
			if len(folders) <= i || folders[i] != strings.Join(options, ",") {
				t.Errorf("%s: in memory are %v, want %s", name, folders, want)
			}
		}
		if lasting := len(h.Lasting()); len(c.MountPoints) != lasting || (c.HealthCheck != nil) != (a.Service.Health != nil) {
			t.Errorf("%s: mounts %v, health %v", name, c.MountPoints, c.HealthCheck)
		}
	}
	if !told {
		t.Error("no app asks for files")
	}
}
