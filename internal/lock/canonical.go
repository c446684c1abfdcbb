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
// or reads another form of the same.
func canonical(data []byte) *Lock {
	if slices.ContainsFunc(data, func(b byte) bool { return b != '\n' && (b < ' ' || b > '~') }) {
		return nil
	}
	c := &canon{
		lock: &Lock{}, seen: map[string]bool{}, heads: fieldsOf(Lock{}),
		items: map[string][]field{"archives": fieldsOf(Archive{}), "images": fieldsOf(Image{}), "files": fieldsOf(File{}), "packages": fieldsOf(Pin{})},
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(data), "\n"), "\n") {
		if !c.line(line) {
			return nil
		}
	}
	for _, f := range c.heads {
		if f.required && !c.seen[f.name] {
			return nil
		}
	}
	return c.lock
}

// canon is a lock being read.
type canon struct {
	lock *Lock
	seen map[string]bool
	// heads are the lock's own keys, items those of each list's entries.
	heads []field
	items map[string][]field
	// list is where the next items go, pins the layer among packages.
	list string
	pins *[]Pin
}

func (c *canon) line(line string) bool {
	switch {
	case strings.HasPrefix(line, "#"):
		return true
	case strings.HasPrefix(line, "    - {"):
		return c.pins != nil && c.list == "packages" && appended(c.pins, c.items[c.list], line[len("    - "):])
	case strings.HasPrefix(line, "  - {"):
		return c.item(line[len("  - "):])
	case strings.HasPrefix(line, "  "):
		return c.list == "packages" && c.layer(line[len("  "):])
	}
	key, value, ok := strings.Cut(line, ":")
	if !ok || c.seen[key] {
		return false
	}
	c.seen[key], c.list, c.pins = true, "", nil
	value, spaced := strings.CutPrefix(value, " ")
	switch {
	case value == "" && !spaced && (key == "archives" || key == "images" || key == "files" || key == "packages"):
		c.list = key
		return true
	case key == "archives" && value == "[]":
		c.lock.Archives = []Archive{}
		return true
	case key == "base":
		c.lock.Base = &Image{}
		return mapping(value, c.items["images"], reflect.ValueOf(c.lock.Base).Elem())
	}
	return spaced && c.head(key, value)
}

// head sets one of the lock's own texts.
func (c *canon) head(key, value string) bool {
	for _, f := range c.heads {
		if f.name == key && f.kind == reflect.String {
			text, rest, ok := scalar(value)
			reflect.ValueOf(c.lock).Elem().Field(f.index).SetString(text.value)
			return ok && rest == "" && text.isText()
		}
	}
	return false
}

func (c *canon) item(text string) bool {
	switch c.list {
	case "archives":
		return appended(&c.lock.Archives, c.items[c.list], text)
	case "images":
		return appended(&c.lock.Images, c.items[c.list], text)
	case "files":
		return appended(&c.lock.Files, c.items[c.list], text)
	}
	return false
}

func (c *canon) layer(text string) bool {
	name, value, ok := strings.Cut(text, ":")
	if !ok || c.seen["packages."+name] || value != "" && value != " []" {
		return false
	}
	c.seen["packages."+name] = true
	for _, l := range c.lock.Packages.all() {
		if l.name == name {
			c.pins = l.pins
			if value != "" {
				*l.pins, c.pins = []Pin{}, nil
			}
			return true
		}
	}
	return false
}

func appended[T any](list *[]T, fields []field, text string) bool {
	*list = append(*list, *new(T))
	return mapping(text, fields, reflect.ValueOf(&(*list)[len(*list)-1]).Elem())
}

// mapping reads {key: value, …} into a struct of these fields.
func mapping(text string, fields []field, out reflect.Value) bool {
	rest, ok := strings.CutPrefix(text, "{")
	set := 0 // a bit for each field
	for ok {
		key, value, ok := strings.Cut(rest, ": ")
		if !ok {
			return false
		}
		text, after, ok := scalar(value)
		n := indexOf(fields, key)
		if !ok || n < 0 || set&(1<<n) != 0 || !fields[n].set(out, text) {
			return false
		}
		set |= 1 << n
		if after == "}" {
			return complete(fields, set)
		}
		rest, ok = strings.CutPrefix(after, ", ")
	}
	return false
}

func complete(fields []field, set int) bool {
	for n, f := range fields {
		if f.required && set&(1<<n) == 0 {
			return false
		}
	}
	return true
}

// word is a value, and whether it stood in quotes.
type word struct {
	value  string
	quoted bool
}

// scalar takes the first value off a text: in quotes and without escapes, or
// of letters, digits and signs that mean nothing in YAML.
func scalar(text string) (w word, rest string, ok bool) {
	if quoted, is := strings.CutPrefix(text, `"`); is {
		end := strings.IndexAny(quoted, "\"\\")
		if end < 0 || quoted[end] == '\\' {
			return w, "", false
		}
		return word{quoted[:end], true}, quoted[end+1:], true
	}
	end := 0
	for end < len(text) && plainByte(text[end]) {
		end++
	}
	return word{text[:end], false}, text[end:], end > 0
}

func plainByte(b byte) bool {
	return b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9' || strings.IndexByte("-_./+", b) >= 0
}

// isText says whether YAML reads the word as a text, as quoted has it.
func (w word) isText() bool {
	return w.quoted || w.value[0]|0x20 >= 'a' && w.value[0]|0x20 <= 'z' && !reserved(w.value)
}

// field is one key of a mapping.
type field struct {
	name     string
	index    int
	kind     reflect.Kind
	required bool
}

// fieldsOf lists the keys of a struct; those without options are required.
func fieldsOf(of any) []field {
	var all []field
	t := reflect.TypeOf(of)
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		all = append(all, field{name: name, index: i, kind: t.Field(i).Type.Kind(), required: options == ""})
	}
	return all
}

func indexOf(fields []field, name string) int {
	for n, f := range fields {
		if f.name == name {
			return n
		}
	}
	return -1
}

func (f field) set(out reflect.Value, w word) bool {
	to := out.Field(f.index)
	switch f.kind {
	case reflect.String:
		to.SetString(w.value)
		return w.isText()
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
