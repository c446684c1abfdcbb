package plain_test

import (
	"testing"

	"github.com/bakelite/bakelite/internal/plain"
)

// TestTerminalEscapes: nothing of a text steers who shows it.
func TestTerminalEscapes(t *testing.T) {
	const hostile = "a\x1b[2J\rb\x07\u202ec\xff\n\td é"
	if got, want := plain.Line(hostile), "a\ufffd[2J b\ufffd\ufffdc\ufffd  d é"; got != want {
		t.Errorf("as a line %q, want %q", got, want)
	}
	if got, want := plain.Text(hostile), "a\ufffd[2J\ufffdb\ufffd\ufffdc\ufffd\n\td é"; got != want {
		t.Errorf("as text %q, want %q", got, want)
	}
}
