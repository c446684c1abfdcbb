package secrets

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/bakelite/bakelite/internal/limit"
)

// openArchive looks into packed content. at is the same content where a zip's
// list can be read, nil where it cannot. What is broken is read as far as it
// goes.
func (l *search) openArchive(k kind, r io.Reader, at readerAt, inner string, depth int) error {
	if depth >= l.limits.Depth {
		return &overLimit{fmt.Sprintf("more than %d archives deep", l.limits.Depth), inner}
	}
	switch k {
	case tarball:
		return l.untar(r, inner, depth)
	case zipped:
		return l.unzip(r, at, inner, depth)
	}
	stream, end, err := unpacked(k, r)
	if err != nil {
		return tooLarge(err, inner)
	}
	defer end()
	return l.member(stream, inner, depth+1)
}

// readerAt is content of a known size.
type readerAt interface {
	io.ReaderAt
	Size() int64
}

// member looks at content of an archive, and into it.
func (l *search) member(packed io.Reader, inner string, depth int) error {
	if depth > 0 {
		packed = &counting{l, packed, inner}
	}
	r := bufio.NewReaderSize(packed, headBytes)
	head, err := r.Peek(headBytes)
	k := kindOf(head, nil)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return tooLarge(err, inner)
	case k == plain:
		return tooLarge(l.stream(r, inner), inner)
	}
	return l.both(k, r, inner, depth)
}

// both looks at packed content and into it while it is read once.
func (l *search) both(k kind, r io.Reader, inner string, depth int) error {
	in, out := io.Pipe()
	before := l.bytes
	within := &search{Scanner: l.Scanner, ctx: l.ctx, name: l.name, entries: l.entries, bytes: before}
	ended := make(chan error, 1)
	go func() {
		err := within.openArchive(k, in, nil, inner, depth)
		_, _ = io.Copy(io.Discard, in) // the rest is for the other reader alone
		ended <- err
	}()
	err := tooLarge(l.stream(io.TeeReader(r, out), inner), inner)
	_ = out.Close()
	err = errors.Join(err, <-ended)
	l.entries, l.bytes = within.entries, l.bytes+within.bytes-before
	for _, f := range within.findings {
		l.add(f)
	}
	return err
}

func (l *search) untar(r io.Reader, inner string, depth int) error {
	t := tar.NewReader(r)
	for {
		header, err := t.Next()
		if err != nil {
			return tooLarge(unless(err, io.EOF), inner)
		}
		if err := l.entry(inner); err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if err := l.member(t, join(inner, header.Name), depth+1); err != nil {
			return err
		}
	}
}

// unzip looks into a zip; one that is in an archive itself is kept in memory.
func (l *search) unzip(r io.Reader, at readerAt, inner string, depth int) error {
	if at == nil {
		data, err := limit.ReadAll(r, maxZip, "zip")
		if err != nil {
			return tooLarge(err, inner)
		}
		at = bytes.NewReader(data)
	}
	z, err := zip.NewReader(at, at.Size())
	if err != nil {
		return nil // it only looks like one
	}
	for _, f := range z.File {
		if err := l.entry(inner); err != nil {
			return err
		}
		if f.Flags&1 != 0 {
			l.add(unread("encrypted", join(inner, f.Name)))
			continue
		}
		if err := l.zipped(f, inner, depth); err != nil {
			return err
		}
	}
	return nil
}

func (l *search) zipped(f *zip.File, inner string, depth int) error {
	r, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		l.add(unread("packed in a way that is not known", join(inner, f.Name)))
		return nil
	}
	if err != nil {
		return nil // a broken entry
	}
	defer r.Close()
	return l.member(r, join(inner, f.Name), depth+1)
}

// entry counts one entry of an archive.
func (l *search) entry(inner string) error {
	if l.entries++; l.entries > l.limits.Entries {
		return &overLimit{fmt.Sprintf("more than %d entries", l.limits.Entries), inner}
	}
	return l.ctx.Err()
}

// counting counts what archives give, and ends with the context.
type counting struct {
	*search
	r     io.Reader
	inner string
}

func (c *counting) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	if c.bytes += int64(n); c.bytes > c.limits.Bytes {
		return n, &overLimit{fmt.Sprintf("more than %d bytes unpacked", c.limits.Bytes), c.inner}
	}
	return n, err
}

// maxName bounds the name of an entry, which anybody can have chosen.
const maxName = 1024

func join(inner, name string) string {
	return inner + "!" + strings.ToValidUTF8(name[:min(len(name), maxName)], "?")
}
