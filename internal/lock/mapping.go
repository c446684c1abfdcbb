package lock

import (
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// mapping reads {key: value, …} into a struct.
func (c *canon) mapping(text string, into reflect.Value) bool {
	keys := c.keysOf(into.Type())
	rest, ok := strings.CutPrefix(text, "{")
	var came uint64 // a bit for each key
	for ok {
		name, value, _ := strings.Cut(rest, ": ")
		w, after, whole := scalar(value)
		k, known := find(keys, name)
		if !whole || !known || came&k.bit != 0 || !set(into.Field(k.index), w) {
			return false
		}
		came |= k.bit
		if after == "}" {
			return !slices.ContainsFunc(keys, func(k key) bool { return k.required && came&k.bit == 0 })
		}
		rest, ok = strings.CutPrefix(after, ", ")
	}
	return false
}

// word is a value, and whether it stood in quotes.
type word struct {
	value  string
	quoted bool
}

// scalar takes the first value off a text: in quotes and without escapes, or
// of letters, digits and signs that mean nothing in YAML.
func scalar(text string) (w word, rest string, ok bool) {
	if inner, is := strings.CutPrefix(text, `"`); is {
		end := strings.IndexByte(inner, '"')
		if end < 0 || strings.IndexByte(inner[:end], '\\') >= 0 {
			return w, "", false
		}
		return word{inner[:end], true}, inner[end+1:], true
	}
	end := 0
	for end < len(text) && isPlainByte(text[end]) {
		end++
	}
	return word{text[:end], false}, text[end:], end > 0
}

// set sets a value that YAML would read as one of that type.
func set(to reflect.Value, w word) bool {
	switch to.Kind() {
	case reflect.String:
		to.SetString(strings.Clone(w.value))
		return w.quoted || letter(w.value[0]) && !reserved(w.value)
	case reflect.Int64:
		n, err := strconv.ParseInt(w.value, 10, 64)
		to.SetInt(n)
		return err == nil && !w.quoted && strconv.FormatInt(n, 10) == w.value
	case reflect.Bool:
		to.SetBool(true)
		return w.value == "true" && !w.quoted
	}
	u, ok := to.Addr().Interface().(encoding.TextUnmarshaler)
	return ok && w.quoted && u.UnmarshalText([]byte(w.value)) == nil
}

// key is one of a struct's, by its tag; one without options is required.
type key struct {
	name     string
	index    int
	bit      uint64
	required bool
}

func (c *canon) keysOf(t reflect.Type) []key {
	known, ok := c.keys[t]
	if ok {
		return known
	}
	for i := range t.NumField() {
		if name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name != "" && name != "-" {
			known = append(known, key{name: name, index: i, bit: 1 << i, required: options == ""})
		}
	}
	c.keys[t] = known
	return known
}

func find(keys []key, name string) (key, bool) {
	for _, k := range keys {
		if k.name == name {
			return k, true
		}
	}
	return key{}, false
}
