package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/bakelite/bakelite/internal/fault"
)

// reader reads the stages of one Dockerfile.
type reader struct {
	file   string
	stages []instructions.Stage
	escape rune
	// global are the build arguments before the first stage, NAME=value.
	global []string
	room   room
}

func (r *reader) declare(args []instructions.ArgCommand) error {
	for _, arg := range args {
		given, err := r.arguments(&arg, r.global)
		if err != nil {
			return err
		}
		r.global = append(r.global, given...)
	}
	return nil
}

// arguments are the build arguments of a line that have a value.
func (r *reader) arguments(arg *instructions.ArgCommand, known []string) (given []string, err error) {
	if err := arg.Expand(r.expander(known)); err != nil {
		return nil, parser.WithLocation(err, arg.Location())
	}
	for _, a := range arg.Args {
		if a.Value != nil {
			given = append(given, a.Key+"="+*a.Value)
		} else if at := slices.IndexFunc(r.global, func(v string) bool { return strings.HasPrefix(v, a.Key+"=") }); at >= 0 {
			given = append(given, r.global[at])
		}
	}
	return given, nil
}

// expander puts values in place of names as BuildKit does.
func (r *reader) expander(known []string) instructions.SingleWordExpander {
	known = latest(known)
	lex, values, longest := shell.NewLex(r.escape), shell.EnvsFromSlice(known), longestOf(known)
	return func(word string) (string, error) {
		if err := r.room.take(mayBecome(word, longest)); err != nil {
			return "", err
		}
		text, _, err := lex.ProcessWord(word, values)
		return text, err
	}
}

// latest leaves the last value of each name.
func latest(all []string) []string {
	var left []string
	seen := map[string]bool{}
	for _, v := range slices.Backward(all) {
		if name, _, _ := strings.Cut(v, "="); !seen[name] {
			seen[name] = true
			left = append(left, v)
		}
	}
	return left
}

func longestOf(all []string) (n int) {
	for _, v := range all {
		n = max(n, len(v))
	}
	return n
}

// find is the number of the stage with a name, of the last one for none.
func (r *reader) find(file, target string) (int, error) {
	if len(r.stages) == 0 {
		return 0, fault.New(fault.Invalid, "%s has no FROM, so that there is nothing to build", file)
	}
	if len(r.stages) > maxStages {
		return 0, fault.New(fault.Invalid, "%s: %w", file, &Excess{"stages", maxStages})
	}
	if target == "" {
		return len(r.stages) - 1, nil
	}
	at := slices.IndexFunc(r.stages, func(s instructions.Stage) bool { return strings.EqualFold(s.Name, target) })
	if at < 0 {
		return 0, fault.New(fault.Invalid, "%s has no stage called %s", file, target)
	}
	return at, nil
}

// stage reads a stage after the one that it stands on.
func (r *reader) stage(at int) (Settings, error) {
	s := r.stages[at]
	on, err := r.expander(r.global)(s.BaseName)
	if err != nil {
		return Settings{}, parser.WithLocation(err, s.Location)
	}
	settings := Settings{On: Word{on, Place{r.file, lineOf(s.Location)}}}
	for i, other := range slices.Backward(r.stages[:at]) {
		if other.Name != "" && strings.EqualFold(other.Name, on) {
			if settings, err = r.stage(i); err != nil {
				return Settings{}, err
			}
			break
		}
	}
	var known []string
	for _, v := range settings.Environment {
		known = append(known, v.Name+"="+v.Value)
	}
	w := writer{Settings: &settings, before: settings.Command, file: r.file}
	for _, c := range s.Commands {
		if known, err = r.line(c, known, w); err != nil {
			return Settings{}, err
		}
		if len(known) > 2*maxSettings {
			return Settings{}, &Excess{"build arguments", maxSettings}
		}
		if err := settings.Bounded(); err != nil {
			return Settings{}, parser.WithLocation(err, c.Location())
		}
	}
	return settings, nil
}

// line reads one line of a stage, and returns the values known after it.
func (r *reader) line(c instructions.Command, known []string, w writer) ([]string, error) {
	if arg, ok := c.(*instructions.ArgCommand); ok {
		given, err := r.arguments(arg, known)
		return append(known, given...), err
	}
	if expands, ok := c.(instructions.SupportsSingleWordExpansion); ok {
		if err := expands.Expand(r.expander(known)); err != nil {
			return nil, parser.WithLocation(err, c.Location())
		}
	}
	if ports, ok := c.(*instructions.ExposeCommand); ok { // it expands to several words, which Expand cannot
		if err := r.ports(ports, known); err != nil {
			return nil, parser.WithLocation(err, c.Location())
		}
	}
	w.write(c)
	if env, ok := c.(*instructions.EnvCommand); ok {
		for _, v := range env.Env {
			known = append(known, v.Key+"="+v.Value)
		}
	}
	return known, nil
}

// ports puts values in place of names in a line of ports.
func (r *reader) ports(c *instructions.ExposeCommand, known []string) error {
	known = latest(known)
	lex, values, longest := shell.NewLex(r.escape), shell.EnvsFromSlice(known), longestOf(known)
	var all []string
	for _, port := range c.Ports {
		if err := r.room.take(mayBecome(port, longest)); err != nil {
			return err
		}
		words, err := lex.ProcessWords(port, values)
		if err != nil {
			return err
		}
		all = append(all, words...)
	}
	c.Ports = all
	return nil
}

// writer notes what lines set; before is the command of the stage below.
type writer struct {
	*Settings
	before *Command
	file   string
}

func (w writer) write(c instructions.Command) {
	at := Place{w.file, lineOf(c.Location())}
	switch c := c.(type) {
	case *instructions.EnvCommand:
		w.Environment = variablesOf(w.Environment, c.Env, at)
	case *instructions.LabelCommand:
		w.Labels = variablesOf(w.Labels, c.Labels, at)
	case *instructions.UserCommand:
		w.User = Word{c.User, at}
	case *instructions.WorkdirCommand:
		w.Dir = Word{joined(w.Dir.Text, c.Path), at}
	case *instructions.StopSignalCommand:
		w.StopSignal = Word{c.Signal, at}
	case *instructions.ExposeCommand:
		w.Ports = append(w.Ports, wordsOf(c.Ports, at)...)
	case *instructions.VolumeCommand:
		w.Volumes = append(w.Volumes, wordsOf(c.Volumes, at)...)
	case *instructions.OnbuildCommand:
		w.OnBuild = append(w.OnBuild, Word{c.Expression, at})
	case *instructions.EntrypointCommand:
		w.Entrypoint = &Command{c.CmdLine, c.PrependShell, at}
		if w.Command == w.before { // what the stage below starts is no argument of another program
			w.Command = nil
		}
	case *instructions.CmdCommand:
		w.Command = &Command{c.CmdLine, c.PrependShell, at}
	case *instructions.HealthCheckCommand:
		h := c.Health
		w.Health = &Health{h.Test, h.Interval, h.Timeout, h.StartPeriod, h.Retries, at}
	}
}

// joined is a working folder as the next line names it.
func joined(before, next string) string {
	if path.IsAbs(next) {
		return path.Clean(next)
	}
	return path.Join("/", before, next)
}

// variablesOf sets variables; a later value takes the place of an earlier one.
func variablesOf(all []Variable, pairs instructions.KeyValuePairs, at Place) []Variable {
	all = slices.Clone(all)
	for _, p := range pairs {
		all = slices.DeleteFunc(all, func(v Variable) bool { return v.Name == p.Key })
		all = append(all, Variable{p.Key, p.Value, at})
	}
	return all
}

func wordsOf(texts []string, at Place) (all []Word) {
	for _, text := range texts {
		all = append(all, Word{text, at})
	}
	return all
}
