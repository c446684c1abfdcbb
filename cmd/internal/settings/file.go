package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/owner"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/strict"
	"github.com/bakelite/bakelite/internal/units"
)

// FileName is the settings file that Load looks for.
const FileName = "bakelite.yaml"

// maxParents bounds the search for the settings file.
const maxParents = 64

// source is a settings file that was read; the zero value stands for none.
type source struct {
	path   string
	data   []byte
	places strict.Places
	// found says that nobody named it.
	found bool
}

// findFile returns the settings file in dir or the nearest folder above it, or
// "".
func findFile(dir string) (string, error) {
	folder, err := filepath.Abs(dir)
	if err != nil {
		return "", fault.New(fault.Internal, "finding the working folder: %w", err)
	}
	for range maxParents {
		path := filepath.Join(folder, FileName)
		_, err := os.Lstat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fault.New(fault.Invalid, "looking for settings: %w", err)
		}
		if filepath.Dir(folder) == folder {
			break
		}
		folder = filepath.Dir(folder)
	}
	return "", nil
}

// own refuses a settings file that was found and that another user could have
// written: it could choose the engine and the keys.
func own(path string, info fs.FileInfo, rule owner.Rule) error {
	if err := rule.Check(path, info); err != nil {
		return fault.Hint(fault.New(fault.Invalid, "%s was found here, not named, and it %w", path, err),
			"use it on purpose with: --config %s", path)
	}
	return nil
}

// readFile reads and checks a settings file that check lets through; every
// mistake comes at once.
func readFile(path string, check func(fs.FileInfo) error) (source, error) {
	data, err := regular.ReadNamed(path, strict.MaxBytes, check)
	if err != nil {
		return source{}, err
	}
	if blank(data) {
		return source{path: path}, nil
	}
	written := &Settings{}
	places, problems := strict.Decode(path, data, written)
	problems = append(problems, judge(path, written, places)...)
	if len(problems) > 0 {
		return source{}, fault.Hint(fault.As(fault.Invalid, problems.Sorted()),
			"all settings are listed by: bakelite config")
	}
	return source{path: path, data: data, places: places}, nil
}

// blank says whether a file holds only comments and empty lines.
func blank(data []byte) bool {
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}

// judge checks the values that the file gives against the table.
func judge(path string, written *Settings, places strict.Places) strict.Problems {
	var problems strict.Problems
	add := func(key string, err error) {
		if err != nil {
			at := places[key]
			problems = append(problems, strict.Problem{
				File: path, Line: at.Line, Column: at.Column, Key: key, Message: err.Error(),
			})
		}
	}
	for _, e := range Table() {
		if _, given := places[e.Key]; !given || e.Kind == PerNamed {
			continue
		}
		text := textOf(reflect.ValueOf(written).Elem(), e.Key)
		if e.Kind != List {
			add(e.Key, e.check(text))
			continue
		}
		for _, one := range entries(text) {
			add(e.Key, e.check(one))
		}
	}
	for _, archive := range slices.Sorted(maps.Keys(written.Mirrors)) {
		add(mirrors+"."+archive, checkMirrors(archive, written.Mirrors[archive]))
	}
	return problems
}

// textOf returns the field of a struct that key names by its yaml tags.
func textOf(v reflect.Value, key string) string {
	name, rest, deeper := strings.Cut(key, ".")
	for i := range v.NumField() {
		tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case tag != name:
			continue
		case deeper:
			return textOf(v.Field(i), rest)
		}
		switch value := v.Field(i).Interface().(type) {
		case units.Wait:
			return value.Std().String()
		case []string:
			return strings.Join(value, separator+" ")
		default:
			return fmt.Sprint(value)
		}
	}
	return ""
}
