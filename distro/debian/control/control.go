// Package control reads Debian control data: stanzas of "Field: value" lines
// (deb822) and the relationship fields in them. It streams, holds one stanza
// at a time and refuses stanzas past its limits and lines that are no field.
package control

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/bakelite/bakelite/internal/limit"
)

// MaxStanza is the largest stanza that is read, in bytes. The largest one in
// the Debian archive holds the checksums of a suite and is below 200 KiB.
const MaxStanza = 4 << 20

// Stanza is one block of fields. Its bytes are valid until the next call of
// Next.
type Stanza struct {
	// Raw holds the lines with their line ends and no blank line.
	Raw []byte
	// Offset is where Raw starts in the input, in bytes.
	Offset int64
}

// Reader reads stanzas one after the other.
type Reader struct {
	in     *bufio.Reader
	buf    []byte
	offset int64
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, 256<<10)}
}

// Next returns the next stanza, or io.EOF after the last; a stanza past
// MaxStanza is an error that names its offset.
func (r *Reader) Next() (Stanza, error) {
	r.buf = r.buf[:0]
	start := r.offset
	for {
		n := len(r.buf)
		err := r.readLine(start)
		if err != nil && err != io.EOF {
			return Stanza{}, err
		}
		blank := len(bytes.TrimSpace(r.buf[n:])) == 0
		if blank {
			r.buf = r.buf[:n]
		}
		switch {
		case len(r.buf) > 0 && (blank || err == io.EOF):
			return Stanza{Raw: r.buf, Offset: start}, nil
		case err == io.EOF:
			return Stanza{}, io.EOF
		case blank:
			start = r.offset
		}
	}
}

// readLine appends one line with its line end to the buffer.
func (r *Reader) readLine(start int64) error {
	for {
		part, err := r.in.ReadSlice('\n')
		r.offset += int64(len(part))
		if len(r.buf)+len(part) > MaxStanza {
			return fmt.Errorf("stanza at byte %d: %w", start, &limit.Error{What: "a stanza", Bytes: MaxStanza})
		}
		r.buf = append(r.buf, part...)
		if err != bufio.ErrBufferFull {
			return err
		}
	}
}

// Fields calls fn with each field's name and value in their order; a value
// of several lines keeps its line ends and has no space around it. Lines that
// start with # are comments. A line that is neither a field nor a
// continuation is an error.
func (s Stanza) Fields(fn func(name, value []byte)) error {
	rest := s.Raw
	for len(rest) > 0 {
		field, next := cutField(rest)
		if field[0] != '#' {
			name, value, ok := bytes.Cut(field, []byte(":"))
			if !ok || !validName(name) {
				return fmt.Errorf("stanza at byte %d: %.40q is not a field", s.Offset, field)
			}
			fn(name, bytes.TrimSpace(value))
		}
		rest = next
	}
	return nil
}

// Map returns the fields by their lower-case names; a field that stands there
// twice is an error.
func (s Stanza) Map() (map[string]string, error) {
	fields := map[string]string{}
	var twice string
	err := s.Fields(func(name, value []byte) {
		key := string(bytes.ToLower(name))
		if _, ok := fields[key]; ok {
			twice = key
		}
		fields[key] = string(value)
	})
	if err == nil && twice != "" {
		err = fmt.Errorf("stanza at byte %d: field %q stands there twice", s.Offset, twice)
	}
	return fields, err
}

// cutField splits after the first line and the continuation lines below it.
func cutField(b []byte) (field, rest []byte) {
	end := 0
	for {
		i := bytes.IndexByte(b[end:], '\n')
		if i < 0 {
			return b, nil
		}
		end += i + 1
		if end == len(b) || b[end] != ' ' && b[end] != '\t' {
			return b[:end], b[end:]
		}
	}
}

func validName(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(name) > 0 && name[0] != '-'
}
