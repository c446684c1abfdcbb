package secrets

import (
	"encoding/base64"
	"strings"
)

// armour begins every textual form of a key.
const armour = "-----BEGIN"

// coded are the detectors of textual keys in base64, as kubeconfigs, secrets of
// Kubernetes and cloud-init have them: one for each place that a text can have
// in groups of three bytes.
func coded() []Detector {
	var all []Detector
	for before := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("-", before) + armour))
		begin, end := (before*8+5)/6, (before+len(armour))*8/6 // letters that are of the armour alone
		all = append(all, Detector{Words: []string{text[begin:end]}, Find: decoded(begin, before)})
	}
	return all
}

// decoded looks at what is written in base64 from shift letters before the
// word, after skip bytes that are not the key's.
func decoded(shift, skip int) find {
	return func(name string, data []byte, at int) ([]Found, int) {
		if at < shift {
			return nil, at + 1
		}
		text := ungrouped(data[at-shift : min(at+2*maxBlock, len(data))])
		plain := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
		n, _ := base64.StdEncoding.Decode(plain, text) // as far as it is base64
		if n <= skip {
			return nil, at + 1
		}
		found, _ := textual(1)(name, plain[:n], skip)
		for i := range found {
			found[i].At = at
		}
		return found, at + 1
	}
}

// ungrouped drops the ends of lines, and stops at what is no base64.
func ungrouped(data []byte) []byte {
	var text []byte
	for _, c := range data {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '+', c == '/', c == '=':
			text = append(text, c)
		case c != '\n' && c != '\r' && c != ' ' && c != '\t':
			return text
		}
	}
	return text
}
