package draft

import (
	"os"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/strict"
)

// Compose is what a compose.yaml says of one service.
type Compose struct {
	// Service is its name, File that of the file.
	Service, File string
	// Image is what it runs, Build what that is built from.
	Image dockerfile.Word
	Build *Build

	set                       dockerfile.Settings
	memory, cpus, pids, grace dockerfile.Word
	tmpfs, secrets, configs   []dockerfile.Word
	left                      []Note
}

// Build is what an image is built from: folders and files beside the
// compose.yaml.
type Build struct {
	Context, Dockerfile, Target string
}

// ReadCompose reads one service of a compose.yaml; "" is for the only one.
// Mistakes are of kind fault.Invalid.
func ReadCompose(file string, data []byte, service string) (*Compose, error) {
	root, problems := strict.Tree(file, data)
	if len(problems) > 0 {
		return nil, fault.As(fault.Invalid, problems)
	}
	services, _ := root.Get("services")
	var names []string
	for _, k := range services.Keys {
		names = append(names, k.Name)
	}
	switch {
	case len(names) == 0:
		return nil, fault.New(fault.Invalid, "%s has no services", file)
	case service == "" && len(names) == 1:
		service = names[0]
	case service == "":
		return nil, fault.Hint(fault.New(fault.Invalid, "%s has %d services: %s", file, len(names), strings.Join(names, ", ")), "an app is one of them: name it with --service")
	case !slices.Contains(names, service):
		return nil, fault.New(fault.Invalid, "%s has no service called %s; there are %s", file, service, strings.Join(names, ", "))
	}
	c := &Compose{Service: service, File: file}
	node, _ := services.Get(service)
	for _, k := range node.Keys {
		c.key(k)
	}
	if c.Image.Text == "" && c.Build == nil {
		return nil, fault.New(fault.Invalid, "%s:%d: the service %s has neither image nor build", file, node.Line, service)
	}
	return c, nil
}

func (c *Compose) at(line int) dockerfile.Place { return dockerfile.Place{File: c.File, Line: line} }

func (c *Compose) leave(line int, what, why string) {
	c.left = append(c.left, Note{c.at(line), what, why})
}

// text is a scalar with values in place of names, as far as the file itself
// gives them.
func (c *Compose) text(n strict.Node) string {
	const dollar = "\x00"
	return strings.ReplaceAll(os.Expand(strings.ReplaceAll(n.Text, "$$", dollar), func(name string) string {
		name, otherwise, given := strings.Cut(name, ":-")
		if !given {
			name, otherwise, given = strings.Cut(name, "-")
		}
		if !given {
			c.leave(n.Line, "the variable "+name, "its value is not in the file; nothing stands in its place")
		}
		return otherwise
	}), dollar, "$")
}

func (c *Compose) word(n strict.Node) dockerfile.Word {
	return dockerfile.Word{Text: c.text(n), At: c.at(n.Line)}
}

// words are those of a list, or of one value; each item that is a mapping is
// left to who asks.
func (c *Compose) words(n strict.Node) (all []dockerfile.Word) {
	if n.Scalar {
		return []dockerfile.Word{c.word(n)}
	}
	for _, item := range n.Items {
		if item.Scalar {
			all = append(all, c.word(item))
		}
	}
	return all
}

// variables are those of a mapping, or of a list of NAME=value.
func (c *Compose) variables(n strict.Node) (all []dockerfile.Variable) {
	for _, k := range n.Keys {
		all = append(all, dockerfile.Variable{Name: k.Name, Value: c.text(k.Value), At: c.at(k.Line)})
	}
	for _, w := range c.words(n) {
		name, value, given := strings.Cut(w.Text, "=")
		if !given {
			c.leave(w.At.Line, "the variable "+name, "its value is not in the file")
			continue
		}
		all = append(all, dockerfile.Variable{Name: name, Value: value, At: w.At})
	}
	return all
}

// command is a list of words, or a text that compose splits as a shell does.
func (c *Compose) command(n strict.Node) *dockerfile.Command {
	command := &dockerfile.Command{Shell: n.Scalar, At: c.at(n.Line)}
	for _, w := range c.words(n) {
		command.Words = append(command.Words, w.Text)
	}
	return command
}

// over puts what the service says over what its image says.
func (c *Compose) over(s dockerfile.Settings) dockerfile.Settings {
	if c.set.Entrypoint != nil {
		s.Entrypoint, s.Command = c.set.Entrypoint, nil
	}
	if c.set.Command != nil {
		s.Command = c.set.Command
	}
	if c.set.Health != nil {
		s.Health = c.set.Health
	}
	for _, w := range []struct{ to, from *dockerfile.Word }{{&s.User, &c.set.User}, {&s.Dir, &c.set.Dir}, {&s.StopSignal, &c.set.StopSignal}} {
		if w.from.Text != "" {
			*w.to = *w.from
		}
	}
	s.Ports = slices.Concat(s.Ports, c.set.Ports)
	for _, v := range c.set.Volumes {
		if !slices.ContainsFunc(s.Volumes, func(w dockerfile.Word) bool { return w.Text == v.Text }) {
			s.Volumes = append(slices.Clip(s.Volumes), v)
		}
	}
	for _, v := range c.set.Environment {
		s.Environment = slices.DeleteFunc(slices.Clone(s.Environment), func(old dockerfile.Variable) bool { return old.Name == v.Name })
		s.Environment = append(s.Environment, v)
	}
	return s
}
