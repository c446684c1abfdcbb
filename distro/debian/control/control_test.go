package control_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/distro/debian/control"
	"github.com/bakelite/bakelite/internal/limit"
)

func stanzas(in string) (raw []string, offsets []int64, err error) {
	r := control.NewReader(strings.NewReader(in))
	for {
		s, err := r.Next()
		if err == io.EOF {
			return raw, offsets, nil
		}
		if err != nil {
			return raw, offsets, err
		}
		raw, offsets = append(raw, string(s.Raw)), append(offsets, s.Offset)
	}
}

func TestNext(t *testing.T) {
	tests := []struct {
		name, in string
		raw      []string
		offsets  []int64
	}{
		{"nothing", "", nil, nil},
		{"blank lines alone", "\n \n\t\n", nil, nil},
		{"no final line end", "A: 1", []string{"A: 1"}, []int64{0}},
		{"two", "A: 1\nB: 2\n\nA: 3\n", []string{"A: 1\nB: 2\n", "A: 3\n"}, []int64{0, 11}},
		{"many blank lines", "\n\nA: 1\n\n\nA: 2\n\n\n", []string{"A: 1\n", "A: 2\n"}, []int64{2, 9}},
		{"ends in a blank line without end", "A: 1\n ", []string{"A: 1\n"}, []int64{0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			raw, offsets, err := stanzas(test.in)
			if err != nil || !reflect.DeepEqual(raw, test.raw) || !reflect.DeepEqual(offsets, test.offsets) {
				t.Errorf("got %q %v %v", raw, offsets, err)
			}
		})
	}
}

func TestHugeStanzaIsRefused(t *testing.T) {
	for _, in := range []string{
		"A: " + strings.Repeat("x", control.MaxStanza),
		"A:\n" + strings.Repeat(" xxxxxxx\n", control.MaxStanza/8),
	} {
		_, _, err := stanzas(in)
		var over *limit.Error
		if !errors.As(err, &over) {
			t.Errorf("got %v, want a limit error", err)
		}
	}
}

func TestMap(t *testing.T) {
	tests := []struct {
		name, in string
		want     map[string]string
		ok       bool
	}{
		{"fields", "Package: a\nDescription: one\n two\n # three\nX:\n", map[string]string{"package": "a", "description": "one\n two\n # three", "x": ""}, true},
		{"comment", "# hello\nA: 1\n", map[string]string{"a": "1"}, true},
		{"no colon", "A: 1\nnonsense\n", nil, false},
		{"continuation first", " x: y\n", nil, false},
		{"twice", "A: 1\na: 2\n", nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := control.NewReader(strings.NewReader(test.in)).Next()
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Map()
			if (err == nil) != test.ok || test.ok && !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestParseRelations(t *testing.T) {
	got, err := control.ParseRelations("libc6 (>= 2.14), mawk | awk:any (<<1:2~),")
	want := [][]control.Relation{
		{{Name: "libc6", Op: ">=", Version: "2.14"}},
		{{Name: "mawk"}, {Name: "awk", Arch: "any", Op: "<<", Version: "1:2~"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"A", "a b", "a (1)", "a (>= 1", "a (~ 1)", "a (>=)", "a | ", "aa [amd64]", "aa (= 1) <x>"} {
		if got, err := control.ParseRelations(bad); err == nil {
			t.Errorf("%q: got %v, want an error", bad, got)
		}
	}
}

func TestAccepts(t *testing.T) {
	tests := []struct {
		op, want, have string
		ok             bool
	}{
		{"", "", "anything", true},
		{">=", "2.14", "2.41-12", true}, {">=", "2.14", "2.9", false},
		{"<<", "1:0", "9", true}, {"<<", "1", "1", false}, {"<=", "1", "1", true},
		{"=", "1.0-1", "1.0-1", true}, {"=", "1.0", "1.0~rc1", false}, {">>", "1.0~rc1", "1.0", true},
		{">=", "1", "not a version", false},
	}
	for _, test := range tests {
		r := control.Relation{Op: test.op, Version: test.want}
		if r.Accepts(test.have) != test.ok {
			t.Errorf("%s %s accepts %s: want %v", test.op, test.want, test.have, test.ok)
		}
	}
}

func FuzzControl(f *testing.F) {
	f.Add([]byte("A: 1\n\nB: 2\n c\n"))
	f.Add([]byte("Depends: a (>= 1), b | c:any\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := control.NewReader(bytes.NewReader(in))
		for {
			s, err := r.Next()
			if err != nil {
				return
			}
			if !bytes.HasPrefix(in[s.Offset:], s.Raw) {
				t.Fatalf("stanza at %d is not what stands there", s.Offset)
			}
			fields, err := s.Map()
			if err == nil {
				_, _ = control.ParseRelations(fields["depends"])
			}
		}
	})
}
