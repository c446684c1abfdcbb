package app

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/strict"
)

// FileName is the app file that Load looks for in a folder.
const FileName = "app.yaml"

// Problem is one mistake in an app file, with its place.
type Problem = strict.Problem

// Problems is every mistake in an app file, in the order of the file.
type Problems = strict.Problems

// Load reads, checks and fills the app file at path; a folder stands for the
// app.yaml in it. The App that it returns is valid, has its defaults, and
// names files that exist. Mistakes come all at once as Problems of kind
// fault.Invalid; a file that is not there is fault.Missing.
func Load(path string) (*App, error) { return LoadFilled(path, nil) }

// Fill gives an app what its Dockerfile says, for keys that the app file leaves
// out.
type Fill func(a App, said dockerfile.Settings) App

// LoadFilled is Load for an app that takes from its Dockerfile what its file
// leaves out; nil takes nothing.
func LoadFilled(path string, fill Fill) (*App, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, FileName)
	}
	data, err := regular.ReadNamed(path, strict.MaxBytes, nil)
	if err != nil {
		return nil, fault.Hint(err, "name an app file, or write one with: bakelite init")
	}
	a, places, problems := parse(path, data)
	if len(places) > 0 {
		if fill != nil && a.Base.Dockerfile != "" {
			problems = a.fill(fill, problems)
		}
		more := append(Validate(*a), CheckFiles(*a)...)
		problems = append(problems, strict.Locate(path, places, strict.Unrelated(more, problems))...)
	}
	if problems = problems.Sorted(); len(problems) > 0 {
		return nil, fault.As(fault.Invalid, problems)
	}
	filled := WithDefaults(*a)
	if err := filled.asked(); err != nil {
		return nil, err
	}
	for i := range filled.Steps {
		filled.Steps[i].Place = places[item("steps", i)]
		if at, ok := places[item("steps", i)+".network"]; ok {
			filled.Steps[i].Place = at
		}
	}
	return &filled, nil
}

// parse decodes an app file; what has problems is left out of the App. Places
// are empty where the file is not YAML at all.
func parse(path string, data []byte) (*App, strict.Places, Problems) {
	a := &App{Dir: filepath.Dir(path), Path: path}
	places, problems := strict.Decode(path, data, a)
	problems = append(problems, writtenZeros(path, places)...)
	return a, places, problems.Sorted()
}

// writtenZeros finds numbers that were written out as 0 where the Go value 0
// stands for "left out", so that nothing written is ignored.
func writtenZeros(path string, places strict.Places) Problems {
	var problems Problems
	for key, place := range places {
		name := key[strings.LastIndex(key, ".")+1:]
		switch name {
		case "cpus", "pids", "port", "status", "retries", "uid":
			if place.Zero && !strings.HasPrefix(key, "testValues.") && !strings.HasPrefix(key, "service.environment.") && !strings.HasPrefix(key, "container.labels.") {
				problems = append(problems, Problem{File: path, Line: place.Line, Column: place.Column, Key: key,
					Message: "must be more than 0; leave the key out for the default"})
			}
		}
	}
	return problems
}

// Marshal returns a as an app file, without comments.
func Marshal(a App) ([]byte, error) {
	data, err := yaml.MarshalWithOptions(a, yaml.IndentSequence(true), yaml.UseLiteralStyleIfMultiline(true))
	if err != nil {
		return nil, fault.New(fault.Internal, "writing app file: %w", err)
	}
	return data, nil
}
