package form_test

import (
	"testing"

	"github.com/bakelite/bakelite/internal/profile/form"
)

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"plain":      "plain",
		"":           `""`,
		"a b":        `"a b"`,
		";":          `";"`,
		"$HOME $$":   `"$HOME $$"`,
		"%n":         "%%n",
		`"\'`:        `"\"\\'"`,
		"\r\n\t\x7f": `"\x0d\x0a\x09\x7f"`,
		"ü":          "ü",
	} {
		if got := form.Quote(word); got != want {
			t.Errorf("%q: got %s, want %s", word, got, want)
		}
	}
}
