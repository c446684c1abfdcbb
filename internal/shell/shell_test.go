package shell_test

import (
	"os/exec"
	"testing"

	"github.com/bakelite/bakelite/internal/shell"
)

// A real shell reads back what was quoted.
func TestQuote(t *testing.T) {
	for _, word := range []string{"", "plain", "two words", "it's", "'", `\`, "$HOME `id` $(id)", "a\nb", "*", "é"} {
		out, err := exec.Command("sh", "-c", "printf %s "+shell.Quote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q was read as %q (%v)", word, out, err)
		}
	}
}
