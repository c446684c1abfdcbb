package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// followPause is the time between two looks at the console's log.
const followPause = 100 * time.Millisecond

// Follow copies the console to w as it comes, its first 4 MiB, without what
// could control a terminal, until ctx ends or the machine does; it returns
// only errors of reading and writing.
func (m *Machine) Follow(ctx context.Context, w io.Writer) error {
	f, err := os.Open(m.Log)
	if err != nil {
		return fmt.Errorf("following the console: %w", err)
	}
	defer f.Close()
	out := &plain{w: w}
	for ended := false; ; {
		if _, err := io.Copy(out, f); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("following the console: %w", err)
		}
		if ended {
			return nil
		}
		select {
		case <-ctx.Done():
			ended = true
		case <-m.process.Done():
			ended = true
		case <-time.After(followPause):
		}
	}
}

// The states of plain: in text, after ESC, in a control sequence (ECMA-48,
// 5.4), and in a string that ends with BEL or ESC (ECMA-48, 5.6).
const (
	inText = iota
	afterEscape
	inSequence
	inString
)

// plain writes text without control characters and escape sequences: a
// machine must not be able to write to the user's terminal more than text.
type plain struct {
	w     io.Writer
	state int
	out   []byte
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

func (p *plain) take(b byte) {
	switch p.state {
	case afterEscape:
		p.state = escaped(b)
	case inSequence:
		if b >= 0x40 && b <= 0x7e {
			p.state = inText
		}
	case inString:
		if b == 0x07 {
			p.state = inText
		}
	default:
		if b == '\n' || b == '\t' || b >= ' ' && b < 0x7f {
			p.out = append(p.out, b)
		}
	}
	if b == 0x1b {
		p.state = afterEscape
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
