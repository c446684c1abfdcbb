package machine

import (
	"io"
	"unicode"
	"unicode/utf8"
)

// The states of plain: in text, after ESC, in a control sequence (ECMA-48,
// 5.4), and in a string that ends with BEL or ESC (ECMA-48, 5.6).
const (
	inText = iota
	afterEscape
	inSequence
	inString
)

// PlainText returns a writer that passes text on to w without control
// characters and escape sequences, so that what a machine or a service writes
// cannot control the user's terminal; its errors are those of w.
func PlainText(w io.Writer) io.Writer { return &plain{w: w} }

type plain struct {
	w     io.Writer
	state int
	// part is the beginning of a character.
	part []byte
	out  []byte
}

func (p *plain) Write(data []byte) (int, error) {
	p.out = p.out[:0]
	for _, b := range data {
		p.take(b)
	}
	if len(p.out) > 0 {
		if _, err := p.w.Write(p.out); err != nil {
			return 0, err
		}
	}
	return len(data), nil
}

const escape7 = 0x1b

func (p *plain) take(b byte) {
	switch {
	case b == escape7:
		p.state, p.part = afterEscape, p.part[:0]
	case p.state == afterEscape:
		p.state = escaped(b)
	case p.state == inSequence && b >= 0x40 && b <= 0x7e, p.state == inString && b == 0x07:
		p.state = inText
	case p.state == inText:
		p.part = append(p.part, b)
		p.decode()
	}
}

// decode passes on the characters that are whole.
func (p *plain) decode() {
	for len(p.part) > 0 && utf8.FullRune(p.part) {
		r, size := utf8.DecodeRune(p.part)
		if r == '\n' || r == '\t' || unicode.IsPrint(r) && !(r == utf8.RuneError && size == 1) {
			p.out = append(p.out, p.part[:size]...)
		}
		p.part = append(p.part[:0], p.part[size:]...)
	}
}

func escaped(b byte) int {
	switch b {
	case '[':
		return inSequence
	case ']', 'P', 'X', '^', '_':
		return inString
	}
	return inText
}
