package probe_test

import (
	"testing"

	"github.com/bakelite/bakelite/runners/probe"
)

func TestLastLinesDropsTerminalControl(t *testing.T) {
	got := probe.LastLines([]byte("a\nb\x1b[31m\u009b1mred\x07\r\nc\xff\n\n"), 2)
	if got != "b[31m1mred\nc" {
		t.Errorf("got %q", got)
	}
}

// TestTheFirstFailureIsExplained: the service's words stand once, where the
// reader looks first, and never where all is well.
func TestTheFirstFailureIsExplained(t *testing.T) {
	results := []probe.Result{{Passed: true, Detail: "a"}, {Detail: "b"}, {Detail: "c"}}
	got := probe.Explained(results, []byte("why\n"), []string{"this"})
	if got[0].Detail != "a" || got[1].Detail != "b; the service's last words:\nwhy\nperhaps: this" || got[2].Detail != "c" {
		t.Errorf("%+v", got)
	}
	if got := probe.Explained(results[:1], []byte("why\n"), nil); got[0].Detail != "a" {
		t.Errorf("%+v", got)
	}
}
