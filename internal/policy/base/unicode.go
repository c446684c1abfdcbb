package base

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// lookalikes maps letters to the ASCII letters that they look like in common
// fonts: the Cyrillic, Greek, Armenian, Cherokee and Latin ones of Unicode's
// confusables (UTS 39) that have no compatibility form.
func lookalikes() map[rune]string {
	m := map[rune]string{}
	pairs := []struct{ from, to string }{
		{"аɑαᴀ", "a"}, {"ЬƄ", "b"}, {"ϲсᴄ", "c"}, {"ԁժᏧ", "d"}, {"еєҽɛ", "e"}, {"ғſ", "f"}, {"ɡցԍ", "g"},
		{"һհᏂ", "h"}, {"іıιɩ", "i"}, {"јϳ", "j"}, {"кκᴋ", "k"}, {"ӏⅼǀا", "l"}, {"мᴍ", "m"}, {"ոпη", "n"},
		{"оοօσ०", "o"}, {"рρᴘ", "p"}, {"ԛզ", "q"}, {"гᴦ", "r"}, {"ѕꜱ", "s"}, {"тτᴛ", "t"}, {"υսᴜ", "u"},
		{"νѵᴠ", "v"}, {"ѡԝᴡω", "w"}, {"хχ", "x"}, {"уγү", "y"}, {"ᴢʐ", "z"}, {"‐‑‒–—―−", "-"}, {"․。．", "."}, {"∕⁄／", "/"},
		{"：꞉", ":"}, {"æ", "ae"}, {"ø", "o"}, {"đ", "d"}, {"ł", "l"}, {"ħ", "h"}, {"ß", "b"},
	}
	for _, p := range pairs {
		for _, r := range p.from {
			m[r] = p.to
		}
	}
	return m
}

// ascii returns what a text looks like in ASCII: accents and invisible signs
// dropped, look-alikes replaced, and "?" for what looks like no ASCII letter.
func ascii(text string) string {
	known := lookalikes()
	var b strings.Builder
	for _, r := range norm.NFKD.String(text) {
		lower := unicode.ToLower(r)
		switch {
		case r < unicode.MaxASCII:
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r):
		case known[lower] != "":
			b.WriteString(known[lower])
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
