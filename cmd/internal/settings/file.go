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
	"syscall"

	"github.com/bakelite/bakelite/internal/fault"
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
}

// find returns the settings file in dir or the nearest folder above it, or
// "". A file above dir that another user could have put there is an error:
// it could choose the engine and the keys.
func find(dir string) (string, error) {
	folder, err := filepath.Abs(dir)
	if err != nil {
		return "", fault.New(fault.Internal, "finding the working folder: %w", err)
	}
	for depth := range maxParents {
		path := filepath.Join(folder, FileName)
		info, err := os.Stat(path)
		if err == nil {
			if depth > 0 && !trusted(info) {
				return "", fault.Hint(
					fault.New(fault.Invalid, "%s belongs to another user or can be written by all", path),
					"use it on purpose with: --config %s", path)
			}
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

func trusted(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	owned := ok && (stat.Uid == 0 || int(stat.Uid) == os.Geteuid())
	return owned && info.Mode().Perm()&0o002 == 0
}

// read reads and checks a settings file; every mistake comes at once.
func read(path string) (source, error) {
	data, err := strict.ReadFile(path)
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
		if _, given := places[e.Key]; given && e.Kind != PerNamed {
			add(e.Key, e.check(textOf(reflect.ValueOf(written).Elem(), e.Key)))
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
		if d, ok := v.Field(i).Interface().(units.Wait); ok {
			return d.Std().String()
		}
		return fmt.Sprint(v.Field(i).Interface())
	}
	return ""
}
