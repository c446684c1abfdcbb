package form

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/shell"
	"github.com/bakelite/bakelite/templates"
)

// Hosted is a profile for who runs the image elsewhere.
type Hosted struct {
	profile.Profile
	// App is the app file as people name it, Image a reference by digest.
	App, Image string
	ID         profile.Identity
	// Engine is the form that is written.
	Engine string
}

// hosted are the templates of each form, below templates/profile.
func hosted() map[string]string {
	return map[string]string{
		"docker": "run.sh", "podman": "run.sh", "compose": "compose.yaml", "quadlet": "quadlet.container", "kubernetes": "kubernetes.yaml",
	}
}

// Forms lists what Write knows, sorted.
func Forms() []string {
	all := []string{"ecs", "runc", "seccomp", "systemd"}
	for name := range hosted() {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// Check refuses a form that there is not; the error is of kind Invalid.
func (h Hosted) Check() error {
	if slices.Contains(Forms(), h.Engine) {
		return nil
	}
	return fault.New(fault.Invalid, "--for %q: want one of %s", h.Engine, strings.Join(Forms(), ", "))
}

// Write gives a form of the profile: a command of docker or podman, a file for
// compose, quadlet, kubernetes, ecs or systemd, the spec of a runtime such as runc,
// or the filter of system calls (seccomp).
func (h Hosted) Write() (string, error) {
	if err := h.Check(); err != nil {
		return "", err
	}
	switch h.Engine {
	case "ecs":
		task, err := h.task()
		if err != nil {
			return "", err
		}
		return indented(task)
	case "runc":
		return indented(Spec(h.started(), h.ID, "rootfs", "state"))
	case "seccomp":
		return indented(Seccomp(h.Profile))
	case "systemd":
		return h.machineUnits(), nil
	}
	name := hosted()[h.Engine]
	t, err := template.New(name).Funcs(functions()).Parse(templates.Text("profile/" + name))
	if err != nil {
		return "", fmt.Errorf("reading template %s: %w", name, err)
	}
	var text strings.Builder
	if err := t.Execute(&text, h); err != nil {
		return "", fmt.Errorf("filling template %s: %w", name, err)
	}
	return text.String(), nil
}

// functions write values as each format wants them: a string of JSON is one of
// YAML too.
func functions() template.FuncMap {
	return template.FuncMap{
		"json": func(v any) (string, error) {
			text, err := json.Marshal(v)
			return string(text), err
		},
		"seconds": wholeSeconds,
		"sh":      shell.Quote,
		"unit":    func(text string) string { return strings.ReplaceAll(text, "%", "%%") },
		"upper":   strings.ToUpper,
	}
}

// started is the profile with what the image has as its command.
func (h Hosted) started() profile.Profile {
	p := h.Profile
	p.Command = p.Start()
	return p
}

// machineUnits are the files of the machine's units, one after the other.
func (h Hosted) machineUnits() string {
	var text strings.Builder
	for _, f := range Units(h.Profile) {
		fmt.Fprintf(&text, "# %s\n%s\n", f.Path, f.Text)
	}
	return text.String()
}

func indented(v any) (string, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	return string(text) + "\n", err
}

// Filter is the name of the file with the filter of system calls.
func (h Hosted) Filter() string { return h.Name + ".seccomp.json" }

// Volume names what a folder that lasts lies in.
func (h Hosted) Volume(f profile.Folder) string { return h.Name + "-" + h.Key(f) }

// Key names a folder by letters, digits and hyphens, and its place in the list.
func (h Hosted) Key(f profile.Folder) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(f.Path))
	at := slices.IndexFunc(h.Folders, func(other profile.Folder) bool { return other.Path == f.Path })
	return fmt.Sprintf("%.40s-%d", strings.Trim(name, "-"), at)
}

// Tmpfs are the mount options of a folder in memory.
func (h Hosted) Tmpfs(f profile.Folder) string {
	options := fmt.Sprintf("rw,nosuid,nodev,%s,size=%d,mode=%s", execution(f.Executable), f.Bytes, octal(f.Mode))
	if f.Shared() {
		return options
	}
	return fmt.Sprintf("%s,uid=%d,gid=%d", options, h.ID.UID, h.ID.GID)
}

// Lasting are the folders that outlive the container.
func (h Hosted) Lasting() []profile.Folder {
	return slices.DeleteFunc(slices.Clone(h.Folders), func(f profile.Folder) bool { return !f.Lasts })
}

// Secrets and Settings are what is given at the start.
func (h Hosted) Secrets() []profile.Given { return h.givenAs(true) }

// Settings are those that are no secrets.
func (h Hosted) Settings() []profile.Given { return h.givenAs(false) }

func (h Hosted) givenAs(secret bool) []profile.Given {
	return slices.DeleteFunc(slices.Clone(h.Given), func(g profile.Given) bool { return g.Secret != secret })
}

// FirstPort is the lowest port where binding it takes a right, else 0: engines
// do not give rights to users other than root, but free the port.
func (h Hosted) FirstPort() int {
	if len(h.Capabilities) == 0 {
		return 0
	}
	first := math.MaxInt
	for _, p := range h.Ports {
		first = min(first, p.Number)
	}
	return first
}

// GraceSeconds is the time to end in, rounded up.
func (h Hosted) GraceSeconds() int { return wholeSeconds(h.StopGrace) }

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// Millicores are thousandths of a processor.
func (h Hosted) Millicores() int { return int(math.Round(h.CPUs * 1000)) }

// Ask is the command that asks for the service's health, nil for none.
func (h Hosted) Ask() []string {
	if h.Health != nil && h.Health.Command != nil {
		return h.Health.Command.Run
	}
	return h.Question()
}
