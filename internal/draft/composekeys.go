package draft

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/strict"
)

// settled are keys that say what is so anyway, or what only Docker has.
var settled = []string{
	"attach", "cap_drop", "container_name", "init", "platform", "profiles", "pull_policy", "read_only", "restart", "scale", "security_opt", "stdin_open", "tty",
}

// leftOut are keys that are not taken, with the reason.
var leftOut = map[string]string{
	"cap_add":      "a service has no rights beyond those of its ports; rights gives some to single programs",
	"depends_on":   "an app is one service; others are apps of their own, and it waits for them itself",
	"devices":      "a service sees no devices",
	"env_file":     "name it in service.config, and give it at the start",
	"extra_hosts":  "names are looked up where the image runs",
	"labels":       "they are for what runs beside Docker; container.labels are the image's",
	"links":        "names are looked up where the image runs",
	"network_mode": "networks are made where the image runs",
	"networks":     "networks are made where the image runs",
	"privileged":   "no service has all rights",
	"sysctls":      "the kernel is set by the hardening controls",
	"ulimits":      "the limits are the same for all services; see docs/service.md",
}

func (c *Compose) key(k strict.Key) {
	take, known := c.takers()[k.Name]
	switch {
	case slices.Contains(settled, k.Name) || strings.HasPrefix(k.Name, "x-"):
	case k.Value.Refused != "":
		c.leave(k.Line, k.Name, k.Value.Refused)
	case known:
		take(k.Value)
	case leftOut[k.Name] != "":
		c.leave(k.Line, k.Name, leftOut[k.Name])
	default:
		c.leave(k.Line, k.Name, "the app file has no key for it")
	}
}

// takers read the value of a key.
func (c *Compose) takers() map[string]func(strict.Node) {
	to := func(w *dockerfile.Word) func(strict.Node) { return func(n strict.Node) { *w = c.word(n) } }
	add := func(all *[]dockerfile.Word) func(strict.Node) {
		return func(n strict.Node) { *all = append(*all, c.words(n)...) }
	}
	return map[string]func(strict.Node){
		"image": to(&c.Image), "user": to(&c.set.User), "working_dir": to(&c.set.Dir), "stop_signal": to(&c.set.StopSignal),
		"mem_limit": to(&c.memory), "cpus": to(&c.cpus), "pids_limit": to(&c.pids), "stop_grace_period": to(&c.grace),
		"tmpfs": add(&c.tmpfs), "expose": add(&c.set.Ports),
		"build": c.build, "deploy": c.deploy, "healthcheck": c.healthcheck, "ports": c.ports, "volumes": c.volumes,
		"command":     func(n strict.Node) { c.set.Command = c.command(n) },
		"entrypoint":  func(n strict.Node) { c.set.Entrypoint = c.command(n) },
		"environment": func(n strict.Node) { c.set.Environment = c.variables(n) },
		"secrets":     func(n strict.Node) { c.secrets = c.given(n, "/run/secrets/") },
		"configs":     func(n strict.Node) { c.configs = c.given(n, "/run/config/") },
	}
}

func (c *Compose) build(n strict.Node) {
	b := &Build{Context: ".", Dockerfile: "Dockerfile"}
	if n.Scalar {
		b.Context = c.text(n)
	}
	for _, k := range n.Keys {
		switch k.Name {
		case "context":
			b.Context = c.text(k.Value)
		case "dockerfile":
			b.Dockerfile = c.text(k.Value)
		case "target":
			b.Target = c.text(k.Value)
			c.leave(k.Line, "build.target", "the last stage of a Dockerfile counts")
		case "args":
			c.leave(k.Line, "build.args", "write their values into the Dockerfile, as ARG NAME=value")
		default:
			c.leave(k.Line, "build."+k.Name, "the app file has no key for it")
		}
	}
	c.Build = b
}

// deploy takes the limits of a service, and what is about clusters not.
func (c *Compose) deploy(n strict.Node) {
	resources, _ := n.Get("resources")
	limits, _ := resources.Get("limits")
	for name, to := range map[string]*dockerfile.Word{"memory": &c.memory, "cpus": &c.cpus, "pids": &c.pids} {
		if value, found := limits.Get(name); found {
			*to = c.word(value)
		}
	}
}

func (c *Compose) healthcheck(n strict.Node) {
	h := &dockerfile.Health{At: c.at(n.Line)}
	for _, k := range n.Keys {
		text := c.text(k.Value)
		switch k.Name {
		case "test":
			for _, w := range c.words(k.Value) {
				h.Test = append(h.Test, w.Text)
			}
			if k.Value.Scalar {
				h.Test = []string{"CMD-SHELL", text}
			}
			h.At = c.at(k.Line)
		case "interval", "timeout", "start_period":
			span, err := time.ParseDuration(text)
			if err != nil {
				c.leave(k.Line, "healthcheck."+k.Name, text+" is no time span")
			}
			*map[string]*time.Duration{"interval": &h.Interval, "timeout": &h.Timeout, "start_period": &h.StartPeriod}[k.Name] = span
		case "retries":
			h.Retries = number(text, 0)
		case "disable":
			if text == "true" {
				h.Test = []string{"NONE"}
			}
		}
	}
	c.set.Health = h
}

// ports are those in the container: what they are published as is decided
// where the image runs.
func (c *Compose) ports(n strict.Node) {
	for _, item := range n.Items {
		w := c.word(item)
		if protocol, found := item.Get("protocol"); found {
			w.Text = "/" + c.text(protocol)
		}
		if target, found := item.Get("target"); found {
			w.Text = c.text(target) + w.Text
		}
		w.Text = w.Text[strings.LastIndex(w.Text, ":")+1:]
		c.set.Ports = append(c.set.Ports, w)
	}
}

// volumes are what lasts; files and folders of the host are for the app's
// files.
func (c *Compose) volumes(n strict.Node) {
	for _, item := range n.Items {
		w := c.word(item)
		source, target, readOnly := mount(w.Text)
		if len(item.Keys) > 0 {
			kind, from := field(c, item, "type"), field(c, item, "source")
			source, target = from, field(c, item, "target")
			readOnly = field(c, item, "read_only") == "true"
			if kind == "tmpfs" {
				c.tmpfs = append(c.tmpfs, dockerfile.Word{Text: target, At: w.At})
				continue
			}
			if kind == "bind" && !host(source) {
				source = "./" + source
			}
		}
		switch {
		case host(source):
			c.leave(item.Line, "the folder or file "+source+" of the host", "what belongs to the image is copied by files: [{from: "+path.Base(source)+", to: "+target+"}], settings are given by service.config, and what lasts stands in service.state")
		case readOnly:
			c.leave(item.Line, "the read-only volume "+target, "what a service only reads is copied by files")
		default:
			c.set.Volumes = append(c.set.Volumes, dockerfile.Word{Text: target, At: w.At})
		}
	}
}

func field(c *Compose, n strict.Node, name string) string {
	value, _ := n.Get(name)
	return c.text(value)
}

// mount reads SOURCE:TARGET:OPTIONS, or a target alone.
func mount(text string) (source, target string, readOnly bool) {
	parts := strings.Split(text, ":")
	if len(parts) == 1 {
		return "", text, false
	}
	return parts[0], parts[1], len(parts) > 2 && slices.Contains(strings.Split(parts[2], ","), "ro")
}

// host says that a source is a path of the host, not the name of a volume.
func host(source string) bool {
	return strings.HasPrefix(source, ".") || strings.HasPrefix(source, "/") || strings.HasPrefix(source, "~")
}

// given are names of secrets or settings.
func (c *Compose) given(n strict.Node, folder string) (all []dockerfile.Word) {
	for _, item := range n.Items {
		w := c.word(item)
		if source, found := item.Get("source"); found {
			w.Text = c.text(source)
		}
		if target, found := item.Get("target"); found && c.text(target) != w.Text {
			c.leave(item.Line, "the place "+c.text(target), "the service finds it at "+folder+w.Text)
		}
		all = append(all, w)
	}
	return all
}
