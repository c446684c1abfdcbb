package lock

import (
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// canonical reads a lock in the very form that Marshal writes, many times as
// fast as YAML is read. It gives up (nil) at anything else, and where a key is
// missing, unknown or there twice: then the strict reader says what is wrong,
// or reads another form of the same. The keys are those of the types' tags.
func canonical(data []byte) *Lock {
	if slices.ContainsFunc(data, func(b byte) bool { return b != '\n' && (b < ' ' || b > '~') }) {
		return nil
	}
	l := &Lock{}
	c := &canon{lock: reflect.ValueOf(l).Elem(), keys: map[reflect.Type][]key{}, seen: map[string]bool{}}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(data), "\n"), "\n") {
		if !c.line(line) {
			return nil
		}
	}
	for _, k := range c.keysOf(c.lock.Type()) {
		if k.required && !c.seen[k.name] {
			return nil
		}
	}
	return l
}

// canon is a lock being read.
type canon struct {
	lock reflect.Value
	keys map[reflect.Type][]key
	// seen are the keys that came, those of layers after "packages.".
	seen map[string]bool
	// layers is where the next layers go, list where the next entries do, which
	// stand behind indent; they are invalid where none may come.
	layers, list reflect.Value
	indent       string
}

const (
	topEntry   = "  - "
	layerName  = "  "
	layerEntry = "    - "
)

func (c *canon) line(line string) bool {
	switch {
	case strings.HasPrefix(line, "#"):
		return true
	case strings.HasPrefix(line, layerEntry), strings.HasPrefix(line, topEntry):
		text, ok := strings.CutPrefix(line, c.indent)
		return ok && c.list.IsValid() && c.entry(text)
	case strings.HasPrefix(line, layerName):
		return c.layers.IsValid() && c.layer(line[len(layerName):])
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok || c.seen[name] {
		return false
	}
	c.seen[name], c.layers, c.list = true, reflect.Value{}, reflect.Value{}
	k, known := find(c.keysOf(c.lock.Type()), name)
	return known && c.top(c.lock.Field(k.index), value)
}

// top reads the value of one of the lock's own keys, or opens its list.
func (c *canon) top(to reflect.Value, value string) bool {
	text, spaced := strings.CutPrefix(value, " ")
	switch kind := to.Kind(); {
	case kind == reflect.Struct && value == "":
		c.layers = to
		return true
	case kind == reflect.Slice:
		return c.open(to, value, topEntry)
	case kind == reflect.Pointer && spaced:
		to.Set(reflect.New(to.Type().Elem()))
		return c.mapping(text, to.Elem())
	case kind == reflect.String && spaced:
		w, rest, ok := scalar(text)
		return ok && rest == "" && set(to, w)
	}
	return false
}

func (c *canon) layer(line string) bool {
	name, value, ok := strings.Cut(line, ":")
	k, known := find(c.keysOf(c.layers.Type()), name)
	if !ok || !known || c.seen["packages."+name] {
		return false
	}
	c.seen["packages."+name] = true
	return c.open(c.layers.Field(k.index), value, layerEntry)
}

// open makes a list the one that the next entries go to.
func (c *canon) open(list reflect.Value, value, indent string) bool {
	c.list = reflect.Value{}
	switch value {
	case "":
		c.list, c.indent = list, indent
	case " []":
		list.Set(reflect.MakeSlice(list.Type(), 0, 0))
	default:
		return false
	}
	return true
}

func (c *canon) entry(text string) bool {
	n := c.list.Len()
	c.list.Grow(1)
	c.list.SetLen(n + 1)
	return c.mapping(text, c.list.Index(n))
}

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
	for end < len(text) && plain(text[end]) {
		end++
	}
	return word{text[:end], false}, text[end:], end > 0
}

// set sets a value that YAML would read as one of that type.
func set(to reflect.Value, w word) bool {
	switch to.Kind() {
	case reflect.String:
		to.SetString(w.value)
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
