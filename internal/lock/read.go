package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/strict"
)

const (
	// maxBytes bounds a lock file; a package's line has about 250 bytes, so
	// this is room for 30,000 of them.
	maxBytes = 8 << 20
	// maxProblems bounds the mistakes that are listed.
	maxProblems = 50
)

// Read reads the lock at path. All mistakes come at once, each with file and
// line, as strict.Problems of kind fault.Invalid; a file that is not there is
// a fault.Missing.
func Read(path string) (*Lock, error) { return new(Reader).Read(path) }

// Read is lock.Read, for several locks.
func (r *Reader) Read(path string) (*Lock, error) {
	f, err := regular.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Hint(fault.New(fault.Missing, "reading the lock: %w", err), "Make it with: bakelite lock")
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "reading the lock: %w", err)
	}
	defer f.Close()
	data, err := limit.ReadAll(f, maxBytes, path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "reading the lock: %w", err)
	}
	l, problems := r.parse(path, data)
	if len(problems) > 0 {
		return nil, fault.Hint(fault.As(fault.Invalid, problems[:min(len(problems), maxProblems)]), "A lock is not written by hand; make it again with: bakelite lock")
	}
	return l, nil
}

// reading is a lock file being read. The long lists, files and packages, are
// read line by line, because YAML parsers take time that grows with the
// square of a document's size; all other lines form one small document.
type reading struct {
	file     string
	lock     Lock
	head     strings.Builder
	places   strict.Places
	problems strict.Problems
	// list is "files", "packages" or "" for the head.
	list string
	// add takes lines into the current layer, nil before the first one.
	add func(n, column int, text string)
}

// head is a lock without its long lists.
type head struct {
	APIVersion string    `yaml:"apiVersion"`
	Kind       string    `yaml:"kind"`
	App        string    `yaml:"app"`
	Bakelite   string    `yaml:"bakelite"`
	Platform   string    `yaml:"platform"`
	Inputs     string    `yaml:"inputs"`
	Base       *Image    `yaml:"base,omitempty"`
	Images     []Image   `yaml:"images,omitempty"`
	Archives   []Archive `yaml:"archives"`
	Rollback   []Step    `yaml:"rollback,omitempty"`

	Distribution *Distribution `yaml:"distribution,omitempty"`
}

func (r *Reader) parse(file string, data []byte) (*Lock, strict.Problems) {
	if l := r.canonical(data); l != nil {
		return l, nil
	}
	return parse(file, data)
}

func parse(file string, data []byte) (*Lock, strict.Problems) {
	r := &reading{file: file, places: strict.Places{}}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		r.line(n, strings.TrimRight(line, "\r\n"))
	}
	var h head
	places, problems := strict.Decode(file, []byte(r.head.String()), &h)
	for key, place := range places {
		r.places[key] = place
	}
	r.problems = append(r.problems, problems...)
	if r.places["packages"].Line == 0 {
		r.problem(0, 0, "packages", "this key is missing")
	}
	r.lock.APIVersion, r.lock.Kind, r.lock.App, r.lock.Bakelite = h.APIVersion, h.Kind, h.App, h.Bakelite
	r.lock.Platform, r.lock.Inputs, r.lock.Base, r.lock.Archives = h.Platform, h.Inputs, h.Base, h.Archives
	r.lock.Images, r.lock.Distribution, r.lock.Rollback = h.Images, h.Distribution, h.Rollback
	if len(r.problems) == 0 {
		r.problems = located(file, r.places, validate(&r.lock))
	}
	return &r.lock, r.problems.Sorted()
}

func (r *reading) problem(line, column int, key, format string, args ...any) {
	r.problems = append(r.problems, strict.Problem{File: r.file, Line: line, Column: column, Key: key, Message: fmt.Sprintf(format, args...)})
}

// line sends a line to the head, to a list, or to nothing where a blank line
// keeps the head's line numbers.
func (r *reading) line(n int, text string) {
	trimmed := strings.TrimSpace(text)
	note := trimmed == "" || trimmed[0] == '#'
	if text != "" && !note && text[0] != ' ' && text[0] != '-' {
		r.list = ""
		if name, value, _ := strings.Cut(trimmed, ":"); name == "files" || name == "packages" {
			r.openList(n, name, value)
			text = ""
		}
	} else if r.list != "" {
		if !note {
			r.item(n, text)
		}
		text = ""
	}
	r.head.WriteString(text + "\n")
}

func (r *reading) openList(n int, name, value string) {
	if value != "" {
		r.problem(n, 1, name, "expected one entry a line below this key")
	}
	if r.places[name].Line > 0 {
		r.problem(n, 1, name, "this key stands here twice")
	}
	r.list, r.add = name, nil
	r.places[name] = strict.Place{Line: n, Column: 1}
}

func (r *reading) item(n int, text string) {
	body := strings.TrimLeft(text, " ")
	column := len(text) - len(body) + 1
	element, isItem := strings.CutPrefix(body, "- ")
	switch {
	case isItem && r.list == "files":
		var f File
		r.element(n, column+2, fmt.Sprintf("files[%d]", len(r.lock.Files)), element, &f)
		r.lock.Files = append(r.lock.Files, f)
	case isItem && r.add != nil:
		r.add(n, column+2, element)
	case !isItem && r.list == "packages":
		r.openLayer(n, column, body)
	default:
		r.problem(n, column, r.list, "expected one entry a line, as in: - {…}")
	}
}

func (r *reading) element(n, column int, key, text string, out any) {
	if !strings.HasPrefix(text, "{") {
		r.problem(n, column, key, "expected an entry in braces on one line")
		return
	}
	places, problems := strict.Decode(r.file, []byte(text), out)
	for sub, place := range places {
		r.places[strings.TrimSuffix(key+"."+sub, ".")] = strict.Place{Line: n, Column: place.Column + column - 1}
	}
	for _, p := range problems {
		p.Key = strings.TrimSuffix(key+"."+p.Key, ".")
		p.Line, p.Column = n, p.Column+column-1
		r.problems = append(r.problems, p)
	}
}

func (r *reading) openLayer(n, column int, body string) {
	m := regexp.MustCompile(`^([A-Za-z]+):( \[\])?$`).FindStringSubmatch(body)
	if m == nil {
		r.problem(n, column, r.list, "expected the name of a layer and a colon")
		return
	}
	key := "packages." + m[1]
	if r.places[key].Line > 0 {
		r.problem(n, column, key, "this key stands here twice")
	}
	r.places[key] = strict.Place{Line: n, Column: column}
	if m[1] == imageLayer {
		r.add = into(r, key, &r.lock.Packages.Image)
		return
	}
	for _, layer := range r.lock.Packages.all() {
		if layer.name == m[1] {
			r.add = into(r, key, layer.pins)
			return
		}
	}
	r.add = into(r, key, new([]Pin))
	r.problems = append(r.problems, strict.Problem{File: r.file, Line: n, Column: column, Key: key,
		Message: "this key is not known", Suggestion: strict.Nearest(m[1], append(layerNames(), imageLayer))})
}

// into decodes lines and adds them to a list.
func into[T any](r *reading, key string, list *[]T) func(n, column int, text string) {
	return func(n, column int, text string) {
		var one T
		r.element(n, column, fmt.Sprintf("%s[%d]", key, len(*list)), text, &one)
		*list = append(*list, one)
	}
}
