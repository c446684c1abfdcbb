package strict

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

type level string

func (l *level) UnmarshalText(text []byte) error {
	if string(text) != "high" && string(text) != "7" {
		return fmt.Errorf("%q is not a level", text)
	}
	*l = level(text)
	return nil
}

type inner struct {
	Port  int     `yaml:"port,omitempty"`
	Share float64 `yaml:"share,omitempty"`
}

type sample struct {
	Name  string            `yaml:"name"`
	On    bool              `yaml:"on,omitempty"`
	List  []string          `yaml:"list,omitempty"`
	Items []inner           `yaml:"items,omitempty"`
	Env   map[string]string `yaml:"env,omitempty"`
	Ptr   *inner            `yaml:"ptr,omitempty"`
	Level level             `yaml:"level,omitempty"`
	inner `yaml:",inline"`
	Local string `yaml:"-"`
}

func TestDecode(t *testing.T) {
	const file = `---
name: "a\tb"
on: true
list: [x, 'y']
items:
  - port: 1
    share: 2
  - {port: 0x10, share: 1.5}
env:
  KEY: |
    two
    lines
ptr: {}
level: 7
`
	var got sample
	places, problems := Decode("f", []byte(file), &got)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := sample{
		Name: "a\tb", On: true, List: []string{"x", "y"}, Level: "7", Ptr: &inner{},
		Items: []inner{{1, 2}, {16, 1.5}}, Env: map[string]string{"KEY": "two\nlines\n"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	for key, place := range map[string]Place{
		"name": {Line: 2, Column: 7}, "list": {Line: 4, Column: 1}, "list[1]": {Line: 4, Column: 11},
		"items[1].port": {Line: 8, Column: 12}, "items[0]": {Line: 6, Column: 5}, "ptr": {Line: 13, Column: 1},
	} {
		if places[key] != place {
			t.Errorf("%s stands at %v, not %v", key, places[key], place)
		}
	}
}

func TestProblems(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"all at once", "nam: x\non: maybe\nlist: x\nlevel: low\n", `
f:1:1: nam: this key is not known; did you mean "name"?
f:2:5: on: expected true or false, found the text "maybe"
f:3:7: list: expected a list, found the text "x"
f:4:8: level: "low" is not a level`},
		{"nothing near", "name: x\nzzzzzzzz: 1\n", `
f:2:1: zzzzzzzz: this key is not known; known here: name, on, list, items, env, ptr, level, port, share`},
		{"case", "Name: x\n", `
f:1:1: Name: this key is not known; did you mean "name"?`},
		{"missing", "on: true\n", `
f:1:1: name: this key is missing`},
		{"twice", "name: x\non: true\nname: y\n", `
f:3:1: name: this key stands here twice; it was given in line 1`},
		{"twice in a map", "name: x\nenv: {A: a, A: b}\n", `
f:2:13: env.A: this key stands here twice; it was given in line 2`},
		{"number for text", "name: 0644\n", `
f:1:7: name: expected a text, found the number 0644; write it in quotes`},
		{"mapping for text", "name: {a: b}\n", `
f:1:7: name: expected a text, found a mapping of keys`},
		{"list for mapping", "name: x\nitems: [[1]]\n", `
f:2:9: items[0]: expected a mapping of keys, found a list`},
		{"text in number", "name: x\nport: '1'\nshare: .nan\n", `
f:2:7: port: expected a whole number, found the text "1"
f:3:8: share: expected a number, found the number .nan`},
		{"number too large", "name: x\nport: 18446744073709551615\n", `
f:2:7: port: expected a whole number, found the number 18446744073709551615`},
		{"empty value", "name:\nlist:\n", `
f:1:1: name: no value stands here; give one or leave the key out
f:2:1: list: no value stands here; give one or leave the key out`},
		{"anchor and alias", "name: &a x\nlist: [*a]\n", `
f:1:7: name: an anchor (&) is refused: write each value where it belongs
f:2:8: list[0]: an alias (*) is refused: write each value where it belongs`},
		{"merge", "name: x\n<<: {on: true}\n", `
f:2:1: a merge key (<<) is refused: write each value where it belongs`},
		{"tag", "name: !!str 3\n", `
f:1:7: name: a tag (!) is refused: the key decides the type`},
		{"two documents", "name: x\n---\nname: y\n", `
f:3:1: a second document starts here; one file holds one document`},
		{"directive", "%YAML 1.2\n---\nname: x\n", `
f:1:1: a % directive does not belong here`},
		{"key of many words", "? a\n: b\nname: x\n", `
f:1:1: a key must be a plain word`},
		{"empty", "", "\nf: the file is empty"},
		{"comments only", "# nothing\n", "\nf: the file is empty"},
		{"syntax", "name: [x\non: true\n", "\nf:2:1: not valid YAML: ',' or ']' must be specified"},
		{"not UTF-8", "name: x\nlist: [\xff]\n", "\nf:2:8: the file is not UTF-8 text"},
		{"tab that the parser would drop", "name: a\tb\n", "\nf:1:7: name: a tab stands in this text; write the text in quotes"},
		{"Windows line ends", "name: x\r\n\r\n# c\r\nlist:\r\n  - 1\r\n", "\nf:5:5: list[0]: expected a text, found the number 1; write it in quotes"},
		{"scalar at the top", "hello\n", "\nf:1:1: expected a mapping of keys, found the text \"hello\""},
		{"long text", "name: x\non: " + strings.Repeat("é", 60) + "\n", "\nf:2:5: on: expected true or false, found the text \"" + strings.Repeat("é", 40) + "…\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, problems := Decode("f", []byte(tt.file), &sample{})
			if got := "\n" + problems.Error(); got != tt.want {
				t.Errorf("got%s\nwant%s", got, tt.want)
			}
		})
	}
}

func TestErrorIsBounded(t *testing.T) {
	_, problems := Decode("f", []byte("name: x\n"+strings.Repeat("name: x\n", 102)), &sample{})
	text := problems.Error()
	if len(problems) != 102 || strings.Count(text, "\n") != 100 || !strings.HasSuffix(text, "\nand 2 more problems") {
		t.Errorf("%d problems in %d lines", len(problems), strings.Count(text, "\n"))
	}
}

// TestBombs: files that are made to cost are refused by their size.
func TestBombs(t *testing.T) {
	for name, file := range map[string]string{
		"bytes":  "name: " + strings.Repeat("x", MaxBytes),
		"keys":   strings.Repeat("a: x\n", MaxBytes/5),
		"depth":  strings.Repeat("[", MaxBytes-1),
		"dashes": strings.Repeat("- ", MaxBytes/2),
	} {
		_, problems := Decode("f", []byte(file), &sample{})
		if len(problems) != 1 || !strings.Contains(problems.Error(), "the file ") {
			t.Errorf("%s: %d problems: %.200s", name, len(problems), problems.Error())
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"service", "name", "packages", "vm"}
	for word, want := range map[string]string{
		"serivce": "service", "Service": "service", "SERVICE": "service", "nmae": "name", "package": "packages", "vn": "vm",
		"container": "", "xy": "", "": "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) is %q, not %q", word, got, want)
		}
	}
}

// FuzzDecode holds the decoder to its promises: no panic, and every problem
// in a place that the file has.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"name: x\nitems:\n  - {port: 1}\n", "a: &x [*x]\n", "? ? a\n: b", "name: |\n  x\n\t", "{a: [}", "- - -", "\xff", "%x\n---\n!a &b c: d", "name: \"\\x\"", "a: b: c", "<<: *a", "...\n---\n...", "env: {1: 2, ~: 3, [a]: b}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		places, problems := Decode("f", data, &sample{})
		lines := 1 + bytes.Count(lineFeeds(data), []byte("\n"))
		check := func(what string, line, column int) {
			if line == 0 && column == 0 {
				return
			}
			if line < 1 || line > lines || column < 1 || column > utf8.RuneCount(data)+2 {
				t.Errorf("%s stands at %d:%d of %d lines", what, line, column, lines)
			}
		}
		for key, p := range places {
			check("the key "+key, p.Line, p.Column)
		}
		for _, p := range problems {
			check(p.String(), p.Line, p.Column)
			if p.Message == "" {
				t.Error("a problem without a message")
			}
		}
	})
}

// TestByteOrderMark: an editor's mark at the start is no part of a key.
func TestByteOrderMark(t *testing.T) {
	var got sample
	places, problems := Decode("f", []byte("\ufeffname: x\n"), &got)
	if len(problems) > 0 || got.Name != "x" || places["name"].Column != 7 {
		t.Errorf("got %+v at %+v (%v)", got, places["name"], problems)
	}
}
