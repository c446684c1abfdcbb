package strict

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// value decodes n into out. The place is that of the key for mappings and
// lists, of the value for scalars.
func (d *decoder) value(path string, n ast.Node, at Place, out reflect.Value) {
	if why, bad := forbidden(n); bad {
		d.add(path, start(n), "%s", why)
		return
	}
	d.places[path] = at
	if _, empty := n.(*ast.NullNode); empty {
		d.add(path, at, "no value stands here; give one or leave the key out")
		return
	}
	if u, ok := out.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.custom(path, n, u)
		return
	}
	switch out.Kind() {
	case reflect.Pointer:
		out.Set(reflect.New(out.Type().Elem()))
		d.value(path, n, at, out.Elem())
	case reflect.Struct:
		d.structure(path, n, at, out)
	case reflect.Map:
		d.mapping(path, n, out)
	case reflect.Slice:
		d.list(path, n, out)
	default:
		d.scalar(path, n, out)
	}
}

func (d *decoder) expected(path string, n ast.Node, what string) {
	hint := ""
	if _, isText := text(n); isText && what == "a text" {
		hint = "; write it in quotes"
	}
	d.add(path, start(n), "expected %s, found %s%s", what, describe(n), hint)
}

func (d *decoder) structure(path string, n ast.Node, at Place, out reflect.Value) {
	entries, ok := d.entries(path, n)
	if !ok {
		d.expected(path, n, "a mapping of keys")
		return
	}
	fields := fieldsOf(out)
	for _, e := range entries {
		field, known := fields.byName[e.name]
		if !known {
			nearest := Nearest(e.name, fields.names)
			d.suggest(join(path, e.name), e.at, nearest, "this key is not known%s", among(nearest, fields.names))
			delete(fields.required, nearest)
			continue
		}
		d.value(join(path, e.name), e.value, e.valuePlace(), field)
		delete(fields.required, e.name)
	}
	for _, name := range fields.names {
		if fields.required[name] {
			d.add(join(path, name), at, missing)
		}
	}
}

func among(nearest string, names []string) string {
	if nearest != "" {
		return ""
	}
	return "; known here: " + strings.Join(names, ", ")
}

func (d *decoder) mapping(path string, n ast.Node, out reflect.Value) {
	entries, ok := d.entries(path, n)
	if !ok {
		d.expected(path, n, "a mapping of keys")
		return
	}
	out.Set(reflect.MakeMap(out.Type()))
	for _, e := range entries {
		v := reflect.New(out.Type().Elem()).Elem()
		d.value(join(path, e.name), e.value, e.valuePlace(), v)
		out.SetMapIndex(reflect.ValueOf(e.name).Convert(out.Type().Key()), v)
	}
}

func (d *decoder) list(path string, n ast.Node, out reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.expected(path, n, "a list")
		return
	}
	out.Set(reflect.MakeSlice(out.Type(), len(seq.Values), len(seq.Values)))
	for i, item := range seq.Values {
		d.value(fmt.Sprintf("%s[%d]", path, i), item, start(item), out.Index(i))
	}
}

func (d *decoder) custom(path string, n ast.Node, out encoding.TextUnmarshaler) {
	s, ok := text(n)
	if !ok {
		d.expected(path, n, "a single value")
		return
	}
	if err := out.UnmarshalText([]byte(s)); err != nil {
		d.add(path, start(n), "%v", err)
	}
}

func (d *decoder) scalar(path string, n ast.Node, out reflect.Value) {
	what, ok := d.assign(path, n, out)
	if !ok {
		d.expected(path, n, what)
	}
	place := d.places[path]
	place.Zero = ok && out.IsZero()
	d.places[path] = place
}

// assign sets out where n is of its type, and says what type that is.
func (d *decoder) assign(path string, n ast.Node, out reflect.Value) (what string, ok bool) {
	switch out.Kind() {
	case reflect.String:
		return "a text", d.text(path, n, out)
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if ok {
			out.SetBool(b.Value)
		}
		return "true or false", ok
	case reflect.Int, reflect.Int64:
		v, ok := integer(n)
		ok = ok && !out.OverflowInt(v)
		if ok {
			out.SetInt(v)
		}
		return "a whole number", ok
	case reflect.Float64:
		v, ok := float(n)
		if ok {
			out.SetFloat(v)
		}
		return "a number", ok
	}
	return "a value of another type", false
}

func (d *decoder) text(path string, n ast.Node, out reflect.Value) bool {
	switch n := n.(type) {
	case *ast.StringNode:
		// The parser drops such a tab without a word.
		if n.Token.Type == token.StringType && strings.Contains(strings.TrimSpace(n.Token.Origin), "\t") {
			d.add(path, start(n), "a tab stands in this text; write the text in quotes")
		}
		out.SetString(n.Value)
	case *ast.LiteralNode:
		out.SetString(n.Value.Value)
	default:
		return false
	}
	return true
}

func integer(n ast.Node) (int64, bool) {
	i, ok := n.(*ast.IntegerNode)
	if !ok {
		return 0, false
	}
	switch v := i.Value.(type) {
	case int64:
		return v, true
	case uint64:
		return int64(v), v <= math.MaxInt64
	}
	return 0, false
}

func float(n ast.Node) (float64, bool) {
	if f, ok := n.(*ast.FloatNode); ok {
		return f.Value, true
	}
	v, ok := integer(n)
	return float64(v), ok
}
