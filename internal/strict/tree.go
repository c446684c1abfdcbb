package strict

import (
	"github.com/goccy/go-yaml/ast"
)

// Node is a value of a YAML file whose form is another program's. One of
// Scalar, Keys and Items is set, or none for an empty value.
type Node struct {
	// Line counts from 1.
	Line int
	// Scalar says that it is a single value, and Text what stands there.
	Scalar bool
	Text   string
	// Keys are those of a mapping, Items the values of a list.
	Keys  []Key
	Items []Node
	// Refused says why nothing of it was read, as of an alias.
	Refused string
}

// Key is a key of a mapping and its value.
type Key struct {
	Name  string
	Line  int
	Value Node
}

// Tree reads the one YAML document in data, within the bounds of Decode, for
// who knows its form. The file's name is only for messages.
func Tree(file string, data []byte) (Node, Problems) {
	d := &decoder{file: file, places: Places{}}
	root := d.parse(data)
	if root == nil {
		return Node{}, d.problems
	}
	return d.tree("", root), d.problems.Sorted()
}

func (d *decoder) tree(path string, n ast.Node) Node {
	out := Node{Line: start(n).Line}
	if why, bad := forbidden(n); bad {
		out.Refused = why
		return out
	}
	if value, ok := text(n); ok {
		out.Scalar, out.Text = true, value
		return out
	}
	if list, ok := n.(*ast.SequenceNode); ok {
		for _, item := range list.Values {
			out.Items = append(out.Items, d.tree(path, item))
		}
		return out
	}
	values, _ := pairs(n)
	for _, v := range values {
		out.Keys = append(out.Keys, d.key(path, v))
	}
	return out
}

// key is a key of a mapping; one that is no plain word, such as a merge of
// others, has no value.
func (d *decoder) key(path string, v *ast.MappingValueNode) Key {
	k := Key{Line: start(v.Key).Line, Name: v.Key.String()}
	if why, bad := forbidden(v.Key); bad {
		k.Value = Node{Line: k.Line, Refused: why}
		return k
	}
	if name, plain := text(v.Key); plain {
		k.Name = name
	}
	k.Value = d.tree(join(path, k.Name), v.Value)
	return k
}

// Get returns the value of a key.
func (n Node) Get(name string) (value Node, found bool) {
	for _, k := range n.Keys {
		if k.Name == name {
			return k.Value, true
		}
	}
	return Node{}, false
}
