package secrets

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// armour begins every textual form of a key.
const armour = "-----BEGIN"

// coded are the detectors of keys in base64, as kubeconfigs, secrets of
// Kubernetes, cloud-init and properties have them: of text, of that in base64
// once more, and of DER.
func coded() []Detector {
	text := encoded([]Detector{{Words: []string{armour}, Find: textual(1)}})
	bare := encoded(inDER())
	for i, d := range bare {
		bare[i].Find = func(name string, data []byte, at int) ([]Found, int) {
			if armoured(data, at) {
				return nil, at + 1 // it is told by its armour
			}
			return d.Find(name, data, at)
		}
	}
	return append(append(text, encoded(text)...), bare...)
}

// encoded are detectors of what others find, written in base64: one for each
// place that a word can have in groups of three bytes.
func encoded(all []Detector) []Detector {
	var coded []Detector
	for _, d := range all {
		for _, word := range d.Words {
			for before := range 3 {
				text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("-", before) + word))
				begin, end := (before*8+5)/6, (before+len(word))*8/6 // letters that are of the word alone
				coded = append(coded, Detector{Words: []string{text[begin:end]}, Find: decoded(d.Find, begin, before)})
			}
		}
	}
	return coded
}

// decoded looks at what is written in base64 around a word that begins shift
// letters before, after skip bytes of its group.
func decoded(inner find, shift, skip int) find {
	return func(name string, data []byte, at int) ([]Found, int) {
		if at < shift {
			return nil, at + 1
		}
		head := lettersBefore(data, at-shift)
		text := append(head, ungrouped(data[at-shift:min(at+2*maxBlock, len(data))])...)
		plain := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
		n, _ := base64.StdEncoding.Decode(plain, text) // as far as it is base64
		word := len(head)/4*3 + skip
		if n <= word {
			return nil, at + 1
		}
		found, _ := inner(name, plain[:n], word)
		for i := range found {
			found[i].At, found[i].Binary = at, false
		}
		return found, at + 1
	}
}

// mostBefore is how many letters before a word are decoded too: what a key in
// DER has before the word that tells it.
const mostBefore = 32

// lettersBefore returns the whole groups of letters that stand before a place.
func lettersBefore(data []byte, at int) []byte {
	var letters []byte
	for i := at - 1; i >= 0 && len(letters) < mostBefore; i-- {
		c := data[i]
		if letter(c) {
			letters = append([]byte{c}, letters...)
		} else if c != '\n' && c != '\r' {
			break
		}
	}
	return letters[len(letters)%4:]
}

func letter(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}

// ungrouped drops the ends of lines, and stops at what is no base64.
func ungrouped(data []byte) []byte {
	var text []byte
	for _, c := range data {
		switch {
		case letter(c), c == '=':
			text = append(text, c)
		case c != '\n' && c != '\r' && c != ' ' && c != '\t':
			return text
		}
	}
	return text
}

// armoured says whether a place is in a textual form of a key.
func armoured(data []byte, at int) bool {
	before := data[max(0, at-maxBlock):at]
	return bytes.LastIndex(before, []byte(armour)) > bytes.LastIndex(before, []byte("-----END"))
}
