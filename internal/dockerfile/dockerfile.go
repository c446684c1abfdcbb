// Package dockerfile reads what of a Dockerfile decides a lock: the packages
// that its steps ask apt for. It reads alone, and runs nothing; what it cannot
// know beforehand, the step itself says. It imports the Dockerfile parser of
// BuildKit and a parser of shell.
package dockerfile

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/bakelite/bakelite/internal/limit"
)

// Base is the name of the hardened base in a Dockerfile.
const Base = "base"

// Names returns the names that Dockerfiles give the base which is made from a
// Debian suite, as BuildKit writes them whatever their spelling; base alone
// where there is none.
func Names(suite string) []string {
	releases := map[string]string{"trixie": "13"}
	names := []string{Base}
	for _, name := range []string{suite, releases[suite]} {
		if name != "" {
			names = append(names, "debian:"+name, "debian:"+name+"-slim")
		}
	}
	return names
}

// Packages are those that a Dockerfile asks apt for, sorted.
type Packages struct {
	// Image are those that its last stage installs and does not purge.
	Image []string
	// Build are the others: what only other stages have, or nobody at the end.
	Build []string
}

// Asked returns the packages that the stages on a base ask for. A Dockerfile
// that cannot be parsed asks for none: BuildKit says what is wrong with it. One
// with more than is read is an *Excess.
func Asked(file io.Reader, name string, bases []string) (Packages, error) {
	text, err := limit.ReadAll(file, MaxBytes, name)
	if err != nil {
		return Packages{}, fmt.Errorf("reading %s: %w", name, err)
	}
	parsed, err := parser.Parse(strings.NewReader(string(text)))
	if err != nil {
		return Packages{}, nil //nolint:nilerr // see above
	}
	stages, err := stagesOf(parsed.AST.Children, bases)
	if err != nil {
		return Packages{}, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(stages) == 0 {
		return Packages{}, nil
	}
	image, all := map[string]bool{}, map[string]bool{}
	for _, s := range stages {
		for name := range s.installed {
			all[name] = true
		}
	}
	for s := stages[len(stages)-1]; s != nil; s = s.parent {
		for name := range s.installed {
			image[name] = !stages[len(stages)-1].purges(name)
		}
	}
	var p Packages
	for name := range all {
		if image[name] {
			p.Image = append(p.Image, name)
		} else {
			p.Build = append(p.Build, name)
		}
	}
	slices.Sort(p.Image)
	slices.Sort(p.Build)
	return p, nil
}

// stage is one stage of a Dockerfile.
type stage struct {
	name              string
	parent            *stage
	onBase            bool
	installed, purged map[string]bool
}

// purges says whether a stage, or one that it stands on, takes a package out.
func (s *stage) purges(name string) bool {
	return s != nil && (s.purged[name] || s.parent.purges(name))
}

func stagesOf(lines []*parser.Node, bases []string) (stages []*stage, err error) {
	if len(lines) > maxLines {
		return nil, &Excess{"lines", maxLines}
	}
	known := noVariables() // of the lines before the first stage
	var inStage variables
	for _, line := range lines {
		switch strings.ToLower(line.Value) {
		case "from":
			if len(stages) == maxStages {
				return nil, &Excess{"stages", maxStages}
			}
			inStage = known.clone()
			stages = append(stages, newStage(words(line), known, stages, bases))
		case "arg", "env":
			vars := &inStage
			if len(stages) == 0 {
				vars = &known
			}
			vars.declare(line)
		case "run":
			if len(stages) > 0 && stages[len(stages)-1].onBase {
				stages[len(stages)-1].run(line, inStage)
			}
		}
	}
	return stages, *known.full
}

func newStage(from []string, known variables, before []*stage, bases []string) *stage {
	s := &stage{installed: map[string]bool{}, purged: map[string]bool{}}
	if len(from) == 0 {
		return s
	}
	if len(from) == 3 && strings.EqualFold(from[1], "as") {
		s.name = from[2]
	}
	on := known.expand(from[0])
	for _, other := range slices.Backward(before) {
		if other.name != "" && strings.EqualFold(other.name, on) {
			s.parent, s.onBase = other, other.onBase
			return s
		}
	}
	if named, err := reference.ParseNormalizedNamed(on); err == nil {
		s.onBase = slices.Contains(bases, reference.FamiliarString(named))
	}
	return s
}

// words are the words of a line after its first.
func words(line *parser.Node) (all []string) {
	for n := line.Next; n != nil; n = n.Next {
		all = append(all, n.Value)
	}
	return all
}
