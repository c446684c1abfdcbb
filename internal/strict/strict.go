// Package strict reads YAML that a person wrote into Go values and returns
// every mistake at once, each with its place. It refuses unknown and repeated
// keys, empty values, values of another type, anchors, aliases, tags, merge
// keys, directives and second documents. It is the only package that knows
// the YAML parser's syntax tree.
package strict

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
)

const (
	// MaxBytes bounds a file: a page of settings, with room for inline text.
	MaxBytes = 256 << 10
	// maxTokens bounds the parser, whose time grows with the square of the
	// number of keys: 16,384 tokens take about 0.2 s.
	maxTokens = 16 << 10
)

// Place is where a key's value stands.
type Place struct {
	// Line and Column count from 1, columns in characters.
	Line, Column int
	// Zero says that a zero was written out, which the Go value cannot tell
	// from a key that was left out.
	Zero bool
}

// Places maps the path of each key, as in "service.ports[1]", to its place.
type Places map[string]Place

// Decode reads the one YAML document in data into out, a pointer to a struct
// or a map, and returns the places of all keys. The file's name is only for
// messages. Scalars go to types with UnmarshalText as their source text.
func Decode(file string, data []byte, out any) (Places, Problems) {
	d := &decoder{file: file, places: Places{}}
	if root := d.parse(data); root != nil {
		d.value("", root, start(root), reflect.ValueOf(out).Elem())
	}
	return d.places, d.problems.Sorted()
}

type decoder struct {
	file     string
	places   Places
	problems Problems
}

func (d *decoder) add(key string, at Place, format string, args ...any) {
	d.suggest(key, at, "", format, args...)
}

func (d *decoder) suggest(key string, at Place, suggestion, format string, args ...any) {
	d.problems = append(d.problems, Problem{
		File: d.file, Line: at.Line, Column: at.Column, Key: key,
		Message: fmt.Sprintf(format, args...), Suggestion: suggestion,
	})
}

// parse returns the root of the only document, or nil after a problem.
func (d *decoder) parse(data []byte) ast.Node {
	if len(data) > MaxBytes {
		d.add("", Place{}, "the file is larger than %d KiB", MaxBytes>>10)
		return nil
	}
	if at, ok := firstBadByte(data); ok {
		d.add("", at, "the file is not UTF-8 text")
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // YAML 1.2.2, section 5.2
	file, err := parseTokens(lineFeeds(data))
	if err != nil {
		d.syntax(err)
		return nil
	}
	return d.onlyDocument(file)
}

// lineFeeds makes every line end a line feed, as YAML does in values (YAML
// 1.2.2, section 5.4); the parser counts some of the others twice.
func lineFeeds(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
}

var errTooMany = fmt.Errorf("the file has more than %d keys, values and signs", maxTokens)

// parseTokens turns a panic of the parser, which it owes nobody a promise
// about, into an error: what it reads comes from outside.
func parseTokens(data []byte) (file *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("this is not YAML that can be read: %v", p)
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if len(tokens) > maxTokens {
		return nil, errTooMany
	}
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

func (d *decoder) syntax(err error) {
	var syntax yaml.Error
	if !errors.As(err, &syntax) || syntax.GetToken() == nil {
		d.add("", Place{}, "%v", err)
		return
	}
	d.add("", tokenPlace(syntax.GetToken()), "not valid YAML: %s", syntax.GetMessage())
}

func (d *decoder) onlyDocument(file *ast.File) ast.Node {
	var root ast.Node
	for _, doc := range file.Docs {
		switch doc.Body.(type) {
		case nil:
			continue
		case *ast.DirectiveNode:
			d.add("", start(doc.Body), "a %% directive does not belong here")
			return nil
		}
		if root != nil {
			d.add("", start(doc.Body), "a second document starts here; one file holds one document")
			return root
		}
		root = doc.Body
	}
	if root == nil {
		d.add("", Place{}, "the file is empty")
	}
	return root
}

func firstBadByte(data []byte) (Place, bool) {
	if utf8.Valid(data) {
		return Place{}, false
	}
	at := Place{Line: 1, Column: 1}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			return at, true
		}
		at.Column++
		if r == '\n' {
			at = Place{Line: at.Line + 1, Column: 1}
		}
		data = data[size:]
	}
	return at, true
}
