package main

import (
	"bytes"
	"strings"
	"sync"
)

// maxLine bounds a line that is held back until its end comes, in bytes.
const maxLine = 8 << 10

// lines hands what is written to it to say, a line at a time; empty lines are
// left out.
type lines struct {
	say  func(string)
	mu   sync.Mutex
	rest []byte
}

func (l *lines) Write(text []byte) (int, error) {
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

// flush hands on what has no end of line.
func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.emit(l.rest)
	l.rest = nil
}

func (l *lines) emit(line []byte) {
	if text := strings.TrimRight(string(line), " \r"); text != "" {
		l.say(text)
	}
}
