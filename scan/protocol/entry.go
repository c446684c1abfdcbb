package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxEntries bounds the entries of one answer together, in bytes: that of a
// full desktop has 3 MB.
const MaxEntries = 64 << 20

// Known is the cache's entry of one tree.
type Known struct {
	// Name is made of what the child will have read when it makes the entry:
	// the tree and all before it. It is "" where nothing is to be kept.
	Name string `json:"name,omitempty"`
	// Path is the entry's file, "" where there is none.
	Path string `json:"path,omitempty"`
}

// Entry is what was found in one tree, for the cache. The child writes it to
// its standard output before it reads a byte of the next tree.
type Entry struct {
	// Name is that of Known.
	Name string `json:"name"`
	// Maker is made of the versions and options of all that looked at the
	// tree, 64 hexadecimal digits.
	Maker string `json:"maker"`
	// Body is the finding, in words of the maker.
	Body json.RawMessage `json:"body"`
}

// Text is the content of an entry's file: a line that says who made it and
// what its body's digest is, and the body.
func (e Entry) Text() []byte {
	return append([]byte(head(e.Maker, e.Body)+"\n"), e.Body...)
}

func head(maker string, body []byte) string {
	sum := sha256.Sum256(body)
	return maker + " " + hex.EncodeToString(sum[:])
}

// Body returns the body of an entry's file; ok is false where it is damaged
// or another maker's.
func Body(text []byte, maker string) (body []byte, ok bool) {
	first, body, _ := bytes.Cut(text, []byte("\n"))
	return body, string(first) == head(maker, body)
}

// DecodeAnswer reads all that a child said: up to max entries, and then a
// response. Its errors are those of Decode.
func DecodeAnswer(data []byte, max int) ([]Entry, Response, error) {
	var values []json.RawMessage
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		var v json.RawMessage
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, Response{}, fmt.Errorf("decoding: %w", err)
		}
		if len(values) > max {
			return nil, Response{}, errors.New("decoding: something follows the JSON value")
		}
		values = append(values, v)
	}
	if len(values) == 0 {
		return nil, Response{}, errors.New("decoding: there is no JSON value")
	}
	last := len(values) - 1
	entries := make([]Entry, last)
	for i := range entries {
		if err := Decode(values[i], &entries[i]); err != nil {
			return nil, Response{}, fmt.Errorf("decoding entry: %w", err)
		}
	}
	var r Response
	err := Decode(values[last], &r)
	return entries, r, err
}
