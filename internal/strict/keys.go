package strict

import (
	"reflect"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/goccy/go-yaml/ast"
)

// entry is one key and its value.
type entry struct {
	name  string
	at    Place
	value ast.Node
}

// valuePlace returns the place to name for a problem with the value: the key
// for what spans lines, the value itself otherwise.
func (e entry) valuePlace() Place {
	if _, scalar := text(e.value); scalar {
		return start(e.value)
	}
	return e.at
}

// entries returns the keys of a mapping in order, without those that are
// forbidden or stand there twice, which become problems.
func (d *decoder) entries(path string, n ast.Node) ([]entry, bool) {
	values, ok := pairs(n)
	if !ok {
		return nil, false
	}
	seen := make(map[string]Place, len(values))
	entries := make([]entry, 0, len(values))
	for _, v := range values {
		e := entry{at: start(v.Key), value: v.Value}
		if why, bad := forbidden(v.Key); bad {
			d.add(path, e.at, "%s", why)
			continue
		}
		name, plain := text(v.Key)
		if !plain {
			d.add(path, e.at, "a key must be a plain word")
			continue
		}
		if first, twice := seen[name]; twice {
			d.add(join(path, name), e.at, "this key stands here twice; it was given in line %d", first.Line)
			continue
		}
		e.name, seen[name] = name, e.at
		entries = append(entries, e)
	}
	return entries, true
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

type fields struct {
	byName   map[string]reflect.Value
	names    []string
	required map[string]bool
}

// fieldsOf lists the fields of a struct by their yaml tag. A field without
// omitempty is required.
func fieldsOf(out reflect.Value) fields {
	fs := fields{byName: map[string]reflect.Value{}, required: map[string]bool{}}
	fs.collect(out)
	return fs
}

func (fs *fields) collect(out reflect.Value) {
	for i := range out.NumField() {
		tag := out.Type().Field(i).Tag.Get("yaml")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case options == "inline":
			fs.collect(out.Field(i))
		case name != "" && name != "-":
			fs.byName[name] = out.Field(i)
			fs.names = append(fs.names, name)
			fs.required[name] = options != "omitempty"
		}
	}
}

// Nearest returns the known word that was probably meant by word: the one
// that differs only in case, or by at most half of its letters and no more
// than three, so that two swapped letters in a short word are found. It
// returns "" where nothing is near.
func Nearest(word string, known []string) string {
	nearest, best := "", min(max(1, len(word)/2), 3)+1
	for _, k := range known {
		distance := levenshtein.Distance(strings.ToLower(word), strings.ToLower(k), nil)
		if distance < best {
			nearest, best = k, distance
		}
	}
	return nearest
}
