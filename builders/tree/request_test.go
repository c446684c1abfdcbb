package tree_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/builders/tree"
)

func lchown(root, name string, owner [2]int) error {
	return os.Lchown(filepath.Join(root, name), owner[0], owner[1])
}

func full() tree.Request {
	return tree.Request{
		Tree: "/target", Before: "/before", Files: "/files", Date: madeAt, Own: "steps", Clean: []string{"a/*"}, User: &tree.User{Name: "web", ID: 5},
		Put: []tree.Put{{Content: []byte("\xff\x00"), To: "/x", Mode: octal(0), Owner: "0", Key: "files[0]"}}, Rights: []tree.Right{{Path: "/x", SetUID: true}},
		Controls: json.RawMessage(`[1]`),
	}
}

// TestRequestsReadBackTheSame: what is asked for is what is done, bytes that
// are no text too.
func TestRequestsReadBackTheSame(t *testing.T) {
	text, err := full().Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := tree.Decode(text)
	want := full()
	want.Version = tree.Version
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":        `version: 1`,
		"an unknown key": `{"version":1,"tree":"/t","date":1,"trea":"/x"}`,
		"another form":   `{"version":2,"tree":"/t","date":1}`,
		"no form":        `{"tree":"/t","date":1}`,
		"more behind it": `{"version":1,"tree":"/t","date":1}{}`,
		"no tree":        `{"version":1,"date":1}`,
		"a way out":      `{"version":1,"tree":"/t","date":1,"put":[{"content":"eA==","to":"/../x","owner":"0","key":""}]}`,
		"a relative one": `{"version":1,"tree":"/t","date":1,"rights":[{"path":"x"}]}`,
		"two sources":    `{"version":1,"tree":"/t","date":1,"put":[{"content":"eA==","from":"y","to":"/x","owner":"0","key":""}]}`,
		"no source":      `{"version":1,"tree":"/t","date":1,"put":[{"to":"/x","owner":"0","key":""}]}`,
	} {
		if r, err := tree.Decode([]byte(text)); err == nil {
			t.Errorf("%s was read as %+v", name, r)
		}
	}
}

// TestControls: nothing that was asked for is passed over.
func TestControls(t *testing.T) {
	r := tree.Request{Tree: t.TempDir(), Controls: json.RawMessage(`["x"]`), Date: madeAt}
	if err := tree.Run(r, tree.Options{Say: &strings.Builder{}}); err == nil {
		t.Error("controls were passed over")
	}
	var got string
	harden := func(_ *os.Root, r tree.Request) error { got = string(r.Controls); return nil }
	if err := tree.Run(r, tree.Options{Say: &strings.Builder{}, Harden: harden}); err != nil || got != `["x"]` {
		t.Errorf("got %q, %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	text, err := full().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":1,"tree":"/t","date":1,"put":[{"content":"","to":"/x"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := tree.Decode(text)
		if err != nil {
			return
		}
		again, err := r.Encode()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		back, err := tree.Decode(again)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, again)
		}
		if last, _ := back.Encode(); string(last) != string(again) {
			t.Errorf("%s became %s", again, last)
		}
	})
}
