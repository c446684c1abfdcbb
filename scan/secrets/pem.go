package secrets

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

const (
	// maxBlock is how much of a block is read; it is known long before its end.
	maxBlock = 16 << 10
	// leastKey is less than any key has in letters of base64: the smallest, of
	// Ed25519, has 64. leastCut is what is asked of a block without an end.
	leastKey, leastCut = 40, 400
	maxLabel           = 64
)

// textual finds the textual encodings of private keys (RFC 7468), OpenSSH's and
// OpenPGP's, also in the source of a program or in JSON. Letters are step
// bytes apart.
func textual(step int) find {
	return func(_ string, data []byte, at int) ([]Found, int) {
		block := letters(data[at:min(at+step*maxBlock, len(data))], step)
		label, body, ok := labelled(block)
		if !ok || !strings.Contains(label, "PRIVATE KEY") {
			return nil, at + step
		}
		b := bodyOf(body)
		if len(b.text) < leastKey || !b.ended && len(b.text) < leastCut {
			return nil, at + step
		}
		f := Found{At: at + step*(len(block)-len(body)+b.start), Rule: PrivateKey, Title: titleKey, Severity: high, Sum: b.sum()}
		if b.encrypted || strings.Contains(label, "ENCRYPTED") || strings.Contains(label, "TSS2") {
			f.Title, f.Severity = titleEncrypted, medium
		}
		return []Found{f}, at + step
	}
}

// letters are every step-th byte, as long as only zeros are between them. What
// JSON and programs write for the end of a line becomes one, in its place.
func letters(data []byte, step int) []byte {
	text := data
	if step == 2 {
		text = nil
		for i := 0; i+1 < len(data) && data[i+1] == 0; i += 2 {
			text = append(text, data[i])
		}
	}
	for _, escape := range []string{`\n`, `\r`} {
		text = bytes.ReplaceAll(text, []byte(escape), []byte(" \n"))
	}
	return text
}

// labelled splits a block after its first line.
func labelled(block []byte) (label string, body []byte, ok bool) {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(block, "-"), []byte("BEGIN"))
	if !ok {
		return "", nil, false
	}
	end := bytes.Index(rest[:min(len(rest), maxLabel)], []byte("-----"))
	if end < 0 || bytes.ContainsFunc(rest[:end], func(r rune) bool {
		return r != ' ' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z')
	}) {
		return "", nil, false
	}
	return string(rest[:end]), rest[end+len("-----"):], true
}

// body is what a block holds.
type body struct {
	// start is the offset of the first line of base64, text the letters of that
	// and of those that follow.
	start            int
	text             []byte
	ended, encrypted bool
}

// around is what may stand beside base64 where it is part of something else:
// comments, quotes, the words of a program.
const around = " \t\r\n\"'`,;#>*|\\"

func bodyOf(text []byte) body {
	var b body
	at := 0
	for line := range bytes.Lines(text) {
		start := at
		at += len(line)
		line, _, b.ended = bytes.Cut(line, []byte("-----"))
		if len(b.text) == 0 && !b.ended && bytes.Contains(line, []byte(": ")) { // a header
			b.encrypted = b.encrypted || bytes.Contains(line, []byte("ENCRYPTED"))
			continue
		}
		line = bytes.Trim(line, around)
		if len(b.text) == 0 && len(line) > 0 {
			b.start = start + bytes.Index(text[start:], line)
			b.encrypted = b.encrypted || sealed(line)
		}
		if !b.add(line) || b.ended {
			break
		}
	}
	return b
}

// add takes the base64 of a line, and says whether that is all of it.
func (b *body) add(line []byte) bool {
	for _, c := range line {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '+', c == '/', c == '=':
			b.text = append(b.text, c)
		case c != ' ' && c != '\t':
			return false
		}
	}
	return true
}

// sum is that of the key, whatever it is wrapped in.
func (b *body) sum() [sha256.Size]byte {
	der := make([]byte, base64.StdEncoding.DecodedLen(len(b.text)))
	n, _ := base64.StdEncoding.Decode(der, b.text)
	return sha256.Sum256(der[:n])
}

// sealed says whether a first line is that of an OpenSSH key with a passphrase
// (OpenSSH's PROTOCOL.key: the magic, and the cipher's name).
func sealed(line []byte) bool {
	const magic = "openssh-key-v1\x00\x00\x00\x00"
	head := make([]byte, 24)
	n, _ := base64.StdEncoding.Decode(head, line[:min(len(line), 32)])
	cipher, ok := bytes.CutPrefix(head[:n], []byte(magic))
	return ok && len(cipher) > 4 && !bytes.HasPrefix(cipher[1:], []byte("none"))
}
