// Package lines cuts a display's output into lines, for places that take whole
// lines only. It is a leaf of the commands.
package lines

import (
	"bytes"
	"strings"
	"sync"
)

// maxLine bounds a line that is held back until its end comes, in bytes.
const maxLine = 8 << 10

// Writer hands what is written to it to Say, a line at a time; empty lines are
// left out. It is safe for concurrent use.
type Writer struct {
	Say  func(line string)
	mu   sync.Mutex
	rest []byte
}

func (l *Writer) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, text...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		if end < 0 && len(l.rest) < maxLine {
			return len(text), nil
		}
		if end < 0 {
			end = len(l.rest)
		}
		l.emit(l.rest[:end])
		l.rest = l.rest[min(end+1, len(l.rest)):]
	}
}

// Flush hands on what has no end of line.
func (l *Writer) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.emit(l.rest)
	l.rest = nil
}

func (l *Writer) emit(line []byte) {
	if text := strings.TrimRight(string(line), " \r"); text != "" {
		l.Say(text)
	}
}
