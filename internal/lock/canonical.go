package lock

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Reader reads locks, and each layer and line that they have in common once:
// what it returned is not to be changed. The zero value is ready; it is safe
// for concurrent use.
type Reader struct {
	mu sync.Mutex
	// lines are entries of layers, lists whole layers; an invalid one is wrong.
	lines, lists map[written]reflect.Value
}

// written is an entry of a layer, or all of its entries, as they stand there.
type written struct {
	layer, text string
}

// canonical reads a lock in the very form that Marshal writes, many times as
// fast as YAML is read. It gives up (nil) at anything else, and at everything
// that is wrong: then the strict reader says what is wrong, or reads another
// form of the same. The keys are those of the types' tags.
func (r *Reader) canonical(data []byte) *Lock {
	if slices.ContainsFunc(data, func(b byte) bool { return b != '\n' && (b < ' ' || b > '~') }) {
		return nil
	}
	l := &Lock{}
	c := &canon{reader: r, lock: reflect.ValueOf(l).Elem(), keys: map[reflect.Type][]key{}, seen: map[string]bool{}}
	for rest, more := strings.TrimSuffix(string(data), "\n"), true; more; {
		var line string
		if line, rest, more = strings.Cut(rest, "\n"); !c.line(line) {
			return nil
		}
		if list := entries(rest); list != "" && c.layer != "" && c.list.IsValid() {
			if !c.listOf(list) {
				return nil
			}
			rest, more = strings.CutPrefix(rest[len(list):], "\n")
		}
	}
	for _, k := range c.keysOf(c.lock.Type()) {
		if k.required && !c.seen[k.name] {
			return nil
		}
	}
	if !c.valid(l) {
		return nil
	}
	return l
}

// valid says whether nothing is wrong with the head's values, and with those of
// layers that depend on it; each entry was judged when it was read.
func (c *canon) valid(l *Lock) bool {
	head := *l
	head.Packages = Layers{}
	if len(validate(&head)) > 0 {
		return false
	}
	archives := map[string]bool{}
	for _, a := range l.Archives {
		archives[a.Name] = true
	}
	for _, layer := range l.Packages.all() {
		for _, p := range *layer.pins {
			if !archives[p.Archive] {
				return false
			}
		}
	}
	return true
}

// canon is a lock being read.
type canon struct {
	reader *Reader
	lock   reflect.Value
	keys   map[reflect.Type][]key
	// seen are the keys that came, those of layers after "packages.".
	seen map[string]bool
	// layers is where the next layers go, list where the next entries do, and
	// layer the name of theirs; they are invalid where none may come.
	layers, list reflect.Value
	layer        string
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
	case strings.HasPrefix(line, topEntry):
		return c.list.IsValid() && c.layer == "" && c.entry(line[len(topEntry):])
	case strings.HasPrefix(line, layerName):
		return c.layers.IsValid() && c.openLayer(line[len(layerName):])
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok || c.seen[name] {
		return false
	}
	c.seen[name], c.layers, c.list, c.layer = true, reflect.Value{}, reflect.Value{}, ""
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
		return c.openList(to, value)
	case kind == reflect.Pointer && spaced:
		to.Set(reflect.New(to.Type().Elem()))
		return c.mapping(text, to.Elem())
	case kind == reflect.String && spaced:
		w, rest, ok := scalar(text)
		return ok && rest == "" && set(to, w)
	}
	return false
}

func (c *canon) openLayer(line string) bool {
	name, value, ok := strings.Cut(line, ":")
	k, known := find(c.keysOf(c.layers.Type()), name)
	if !ok || !known || c.seen["packages."+name] {
		return false
	}
	c.seen["packages."+name], c.layer = true, name
	return c.openList(c.layers.Field(k.index), value)
}

// openList makes a list the one that the next entries go to.
func (c *canon) openList(list reflect.Value, value string) bool {
	c.list = reflect.Value{}
	switch value {
	case "":
		c.list = list
	case " []":
		list.Set(reflect.MakeSlice(list.Type(), 0, 0))
	default:
		return false
	}
	return true
}

// entries are the lines at the beginning of a text that are entries of a layer,
// without the end of the last.
func entries(text string) string {
	end := 0
	for at := 0; strings.HasPrefix(text[at:], layerEntry); at = end + 1 {
		n := strings.IndexByte(text[at:], '\n')
		if n < 0 {
			return text
		}
		end = at + n
	}
	return text[:end]
}

// listOf takes all entries of a layer at once.
func (c *canon) listOf(text string) bool {
	if c.list.Len() > 0 {
		return false
	}
	known, seen := c.reader.known(&c.reader.lists, written{c.layer, text})
	if !seen {
		known = c.readList(text)
		c.reader.keep(&c.reader.lists, written{c.layer, text}, known)
	}
	if known.IsValid() {
		c.list.Set(known)
	}
	return known.IsValid()
}

// readList reads all entries of a layer; no room is left behind the last, so
// that nobody adds to what others have too.
func (c *canon) readList(text string) reflect.Value {
	n := strings.Count(text, "\n") + 1
	list := reflect.MakeSlice(c.list.Type(), 0, n)
	for line := range strings.SplitSeq(text, "\n") {
		line = line[len(layerEntry):]
		one, seen := c.reader.known(&c.reader.lines, written{c.layer, line})
		if !seen {
			one = c.read(line)
			c.reader.keep(&c.reader.lines, written{c.layer, line}, one)
		}
		if !one.IsValid() || list.Len() > 0 && !c.after(list.Index(list.Len()-1), one) {
			return reflect.Value{}
		}
		list = reflect.Append(list, one)
	}
	return list
}

func (c *canon) entry(text string) bool {
	n := c.list.Len()
	c.list.Grow(1)
	c.list.SetLen(n + 1)
	return c.mapping(text, c.list.Index(n))
}

// after says whether two entries of a layer stand in order, by name and
// architecture, and are not of the same package.
func (c *canon) after(before, v reflect.Value) bool {
	for _, name := range []string{"name", "arch"} {
		k, _ := find(c.keysOf(v.Type()), name)
		if order := strings.Compare(before.Field(k.index).String(), v.Field(k.index).String()); order != 0 {
			return order < 0
		}
	}
	return false
}

// known is what a text holds that was read before, and whether one was.
func (r *Reader) known(of *map[written]reflect.Value, w written) (v reflect.Value, seen bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, seen = (*of)[w]
	return v, seen
}

// keep remembers what a text holds; invalid is that it is wrong.
func (r *Reader) keep(of *map[written]reflect.Value, w written, v reflect.Value) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if *of == nil {
		*of = map[written]reflect.Value{}
	}
	w.text = strings.Clone(w.text) // what is kept keeps no whole file
	(*of)[w] = v
}

// read reads and judges one entry of a layer, as if the lock held no other.
func (c *canon) read(text string) reflect.Value {
	v := reflect.New(c.list.Type().Elem()).Elem()
	if !c.mapping(text, v) {
		return reflect.Value{}
	}
	alone := &Lock{}
	layers := reflect.ValueOf(&alone.Packages).Elem()
	k, _ := find(c.keysOf(layers.Type()), c.layer)
	layers.Field(k.index).Set(reflect.Append(layers.Field(k.index), v))
	for _, p := range validate(alone) {
		if strings.HasPrefix(p.key, "packages."+c.layer+"[0]") && !strings.HasSuffix(p.key, ".archive") {
			return reflect.Value{}
		}
	}
	return v
}
