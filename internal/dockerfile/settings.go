package dockerfile

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// Place is where something stands: a file, and a line or 0 where it has none.
type Place struct {
	File string
	Line int
}

// String is the place as "FILE:LINE".
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Word is one word.
type Word struct {
	Text string
	At   Place
}

// Variable is a name and its value.
type Variable struct {
	Name, Value string
	At          Place
}

// Command is a command line; Shell says that its one word is for a shell.
type Command struct {
	Words []string
	Shell bool
	At    Place
}

// Health is a check of health: Test is ["CMD", words], ["CMD-SHELL", text] or
// ["NONE"]; what is 0 is not said.
type Health struct {
	Test                           []string
	Interval, Timeout, StartPeriod time.Duration
	Retries                        int
	At                             Place
}

// Settings are what an image says of how it runs: of a Dockerfile what its last
// stage sets, or a stage that it stands on.
type Settings struct {
	// On is the image that all of it stands on.
	On                      Word
	Environment, Labels     []Variable
	User, Dir, StopSignal   Word
	Ports, Volumes, OnBuild []Word
	Entrypoint, Command     *Command
	Health                  *Health
}

// Read returns the settings of the stage called target, "" for the last one.
// Mistakes are of kind fault.Invalid and name the line; more than is read is an
// *Excess among them.
func Read(file io.Reader, name, target string) (Settings, error) {
	text, err := limit.ReadAll(file, MaxBytes, name)
	if err != nil {
		return Settings{}, fmt.Errorf("reading %s: %w", name, err)
	}
	parsed, err := parser.Parse(strings.NewReader(string(text)))
	if err != nil {
		return Settings{}, mistake(name, err)
	}
	if len(parsed.AST.Children) > maxLines {
		return Settings{}, mistake(name, &Excess{"lines", maxLines})
	}
	stages, args, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return Settings{}, mistake(name, err)
	}
	r := reader{file: name, stages: stages, escape: parsed.EscapeToken, room: room{MaxBytes}}
	if err := r.declare(args); err != nil {
		return Settings{}, mistake(name, err)
	}
	at, err := r.find(name, target)
	if err != nil {
		return Settings{}, err
	}
	s, err := r.stage(at)
	if err != nil {
		return Settings{}, mistake(name, err)
	}
	return s, nil
}

// mistake names the line of an error where it is known.
func mistake(name string, err error) error {
	var at *parser.LocationError
	if !errors.As(err, &at) {
		return fault.New(fault.Invalid, "%s: %w", name, err)
	}
	for _, place := range at.Locations {
		if line := lineOf(place); line > 0 {
			return fault.New(fault.Invalid, "%s:%d: %w", name, line, at.Unwrap())
		}
	}
	return fault.New(fault.Invalid, "%s: %w", name, err)
}

func lineOf(at []parser.Range) int {
	if len(at) == 0 {
		return 0
	}
	return at[0].Start.Line
}
