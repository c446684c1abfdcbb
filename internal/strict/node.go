package strict

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

func tokenPlace(t *token.Token) Place {
	if t == nil || t.Position == nil {
		return Place{}
	}
	return Place{Line: max(t.Position.Line, 1), Column: max(t.Position.Column, 1)}
}

// start returns where a node begins; the token of a mapping is its first
// colon, so its first key is asked instead.
func start(n ast.Node) Place {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return start(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return start(n.Key)
	}
	return tokenPlace(n.GetToken())
}

// describe says what stands in the file, for "expected …, found …".
func describe(n ast.Node) string {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping of keys"
	case *ast.SequenceNode:
		return "a list"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + n.GetToken().Value
	case *ast.BoolNode:
		return n.GetToken().Value
	case *ast.LiteralNode:
		return "a block of text"
	case *ast.StringNode:
		return fmt.Sprintf("the text %q", short(n.Value))
	}
	return "something else"
}

// short bounds what a message repeats of a file.
func short(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// forbidden names YAML features that make a file mean something other than
// what it shows.
func forbidden(n ast.Node) (string, bool) {
	switch n.(type) {
	case *ast.AnchorNode:
		return "an anchor (&) is refused: write each value where it belongs", true
	case *ast.AliasNode:
		return "an alias (*) is refused: write each value where it belongs", true
	case *ast.TagNode:
		return "a tag (!) is refused: the key decides the type", true
	case *ast.MergeKeyNode:
		return "a merge key (<<) is refused: write each value where it belongs", true
	}
	return "", false
}

// text returns the source text of a scalar.
func text(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}
