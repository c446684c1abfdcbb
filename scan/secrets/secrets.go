// Package secrets finds private keys by their form, in any bytes: whatever a
// file is called, wherever it lies and whatever stands before the key in it.
// It looks into archives, with limits, and says of what is beyond them that it
// did not. It takes nothing for harmless by its name. What else is to be found
// a caller gives it as detectors. It keeps no secret, only where it is.
package secrets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"sync"
)

// Severities, as in scan.Report.
const (
	high   = "high"
	medium = "medium"
)

// Finding is one place that holds a secret.
type Finding struct {
	// Rule is what waivers name, Severity one of scan.Severities.
	Rule, Title, Severity string
	// Inner is where it is in an archive, entry by entry, each after a "!"; ""
	// for the file itself, and for what is packed without a name.
	Inner string
	// Line counts from 1; 0 where there are no lines.
	Line int

	sum [sha256.Size]byte
}

// Detector finds one kind of secret.
type Detector struct {
	// Words are texts of at least three bytes, one of which is in every secret
	// of the kind. With Fold the case of their letters does not matter.
	Words []string
	Fold  bool
	// Find looks at the place where a word begins, in a file or in what an
	// archive has under that name. It returns what it found, and up to where it
	// has looked: it is not asked about words before that.
	Find func(name string, data []byte, at int) (found []Found, until int)
}

// Found is a secret at an offset.
type Found struct {
	At                    int
	Rule, Title, Severity string
	// Binary says that lines mean nothing there.
	Binary bool
	// Sum is the SHA-256 of the secret itself, of a key's bytes whatever they
	// are written in; zero where it is not known. It tells what is found in the
	// bytes of an archive and in an entry once, and what everybody has.
	Sum [sha256.Size]byte
}

// Scanner looks for secrets. It is safe for concurrent use.
type Scanner struct {
	detectors []Detector
	words     *matcher
	limits    Limits
	published map[[sha256.Size]byte]bool
	// buffers are windows with what is kept beside them.
	buffers sync.Pool
}

// New returns a Scanner of private keys, and of what more finds. Zero limits
// are replaced by those of DefaultLimits.
func New(limits Limits, more ...Detector) *Scanner {
	s := &Scanner{detectors: slices.Concat(keys(), coded(), more), limits: limits.filled(), published: published()}
	s.words = newMatcher(s.detectors)
	s.buffers.New = func() any {
		buffer := make([]byte, behind+windowBytes+ahead)
		return &buffer
	}
	return s
}

const (
	// windowBytes is how much of a stream is looked at at once.
	windowBytes = 1 << 20
	// ahead is more than a secret has from its start to where it is known, and
	// behind more than a word may stand after that start.
	ahead, behind = 64 << 10, 8 << 10
	// maxFound bounds what is told of one file.
	maxFound = 100
)

// Bytes looks at a file's content in memory, and into it where it is an
// archive and unpack says so. The only error is that of the context.
func (s *Scanner) Bytes(ctx context.Context, name string, data []byte, unpack bool) ([]Finding, error) {
	l := &search{Scanner: s, ctx: ctx, name: name}
	l.window(data, 0, len(data), l.begin(data, ""))
	kind := kindOf(data, data)
	if !unpack || kind == plain {
		return l.result(ctx.Err())
	}
	in := bytes.NewReader(data)
	return l.result(l.openArchive(kind, in, in, "", 0))
}

// Stream is Bytes for content that is read once. Its errors are those of the
// context and of the reader.
func (s *Scanner) Stream(ctx context.Context, name string, r io.Reader, unpack bool) ([]Finding, error) {
	l := &search{Scanner: s, ctx: ctx, name: name}
	if !unpack {
		return l.result(l.stream(r, ""))
	}
	source := &watched{r: r}
	found, err := l.result(l.member(source, "", 0))
	return found, errors.Join(err, source.err)
}

// watched keeps the error of a file, which is none of what is packed in it.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if bad := unless(err, io.EOF); bad != nil {
		w.err = bad
	}
	return n, err
}

// File is Stream for content of size bytes that can be read at any place.
func (s *Scanner) File(ctx context.Context, name string, r io.ReaderAt, size int64, unpack bool) ([]Finding, error) {
	l := &search{Scanner: s, ctx: ctx, name: name}
	if err := l.stream(io.NewSectionReader(r, 0, size), ""); err != nil || !unpack {
		return l.result(err)
	}
	head, tail := make([]byte, min(size, headBytes)), make([]byte, min(size, tailBytes))
	_, err := r.ReadAt(head, 0)
	_, err2 := r.ReadAt(tail, size-int64(len(tail)))
	if err = errors.Join(unless(err, io.EOF), unless(err2, io.EOF)); err != nil {
		return l.result(err)
	}
	kind := kindOf(head, tail)
	if kind == plain {
		return l.result(nil)
	}
	in := io.NewSectionReader(r, 0, size)
	return l.result(l.openArchive(kind, in, in, "", 0))
}

func unless(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}
