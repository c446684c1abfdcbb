package dockerfile

import (
	"path"
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"mvdan.cc/sh/v3/syntax"
)

// packageName is Debian Policy, section 5.6.1.
var packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)

// run notes what the commands of a RUN ask apt for.
func (s *stage) run(line *parser.Node, known variables) {
	if line.Attributes["json"] {
		s.command(words(line))
		return
	}
	texts := words(line)
	for _, heredoc := range line.Heredocs {
		texts = append(texts, heredoc.Content)
	}
	known = known.clone()
	for _, text := range texts {
		if len(text) > maxScript {
			continue // the step itself shows what it asks for
		}
		file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
		if err != nil {
			continue // another language, or a mistake that the step itself shows
		}
		syntax.Walk(file, func(n syntax.Node) bool {
			if call, ok := n.(*syntax.CallExpr); ok {
				s.call(call, &known)
			}
			return true
		})
	}
}

// call notes one simple command; without words it gives variables their values.
func (s *stage) call(call *syntax.CallExpr, known *variables) {
	for _, assign := range call.Assigns {
		if len(call.Args) == 0 && assign.Name != nil && assign.Value != nil {
			known.set(assign.Name.Value, strings.Join(fields(assign.Value, *known), " "))
		}
	}
	var args []string
	for _, word := range call.Args {
		args = append(args, fields(word, *known)...)
	}
	s.command(args)
}

// fields are the words that a shell makes of one, as far as values are known.
func fields(word *syntax.Word, known variables) []string {
	var b strings.Builder
	var add func(parts []syntax.WordPart)
	add = func(parts []syntax.WordPart) {
		for _, part := range parts {
			switch p := part.(type) {
			case *syntax.Lit:
				b.WriteString(strings.ReplaceAll(p.Value, "\\\n", ""))
			case *syntax.SglQuoted:
				b.WriteString(p.Value)
			case *syntax.DblQuoted:
				add(p.Parts)
			case *syntax.ParamExp:
				if value := valueOf(p, known); known.take(len(value)) {
					b.WriteString(value)
				}
			}
		}
	}
	add(word.Parts)
	return strings.Fields(b.String())
}

func valueOf(p *syntax.ParamExp, known variables) string {
	if p.Param == nil {
		return ""
	}
	return known.values[p.Param.Value]
}

// before are commands that run another one.
var before = map[string]bool{"sudo": true, "env": true, "exec": true, "command": true, "nice": true, "eatmydata": true}

// command notes what one command asks apt for.
func (s *stage) command(args []string) {
	for len(args) > 0 && (before[path.Base(args[0])] || strings.Contains(args[0], "=")) {
		args = args[1:]
	}
	if len(args) == 0 || !isApt(args[0]) {
		return
	}
	words := operands(args[1:])
	if len(words) == 0 {
		return
	}
	switch words[0] {
	case "install":
		note(s.installed, words[1:])
	case "purge", "remove", "autoremove", "autopurge":
		note(s.purged, words[1:])
	}
}

func isApt(command string) bool {
	name := path.Base(command)
	return name == "apt-get" || name == "apt"
}

// operands are the words of a command of apt that are no options; those of
// withValue take the word behind them (apt-get(8)).
func operands(args []string) (all []string) {
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "-o" || arg == "-t" || arg == "-c" || arg == "--option" || arg == "--target-release" || arg == "--default-release":
			i++
		case strings.HasPrefix(arg, "-"):
		default:
			all = append(all, arg)
		}
	}
	return all
}

// note notes packages by name alone: the lock decides their version.
func note(set map[string]bool, names []string) {
	for _, name := range names {
		if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "/") {
			continue // a file
		}
		if end := strings.IndexAny(name, "=:/"); end >= 0 {
			name = name[:end]
		}
		if packageName.MatchString(name) {
			set[name] = true
		}
	}
}
