package secrets

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// search is one file being searched.
type search struct {
	*Scanner
	ctx      context.Context
	name     string
	findings []Finding
	// entries and bytes are what archives gave so far.
	entries int
	bytes   int64
}

// result ends a look.
func (l *search) result(err error) ([]Finding, error) {
	var over *overLimit
	if errors.As(err, &over) {
		l.add(unread(over.why, over.inner))
		err = nil
	}
	order := func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Inner, b.Inner), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule))
	}
	found := slices.DeleteFunc(slices.Clone(l.findings), l.toldWithin)
	slices.SortStableFunc(found, order)
	// Of two detectors that find the same the first one counts.
	return slices.CompactFunc(found, func(a, b Finding) bool { return order(a, b) == 0 }), err
}

// toldWithin says whether what was found in the bytes of an archive was found
// in one of its entries too, which says more.
func (l *search) toldWithin(f Finding) bool {
	return f.sum != [sha256.Size]byte{} && slices.ContainsFunc(l.findings, func(g Finding) bool {
		return g.sum == f.sum && g.Rule == f.Rule && strings.HasPrefix(g.Inner, f.Inner+"!")
	})
}

// add keeps a finding. Those that are too many are told of in one, so that
// what a waiver lets through hides nothing.
func (l *search) add(f Finding) {
	switch n := len(l.findings); {
	case n < maxFound:
		l.findings = append(l.findings, f)
	case n == maxFound:
		l.findings = append(l.findings, Finding{Rule: "more-secrets", Title: fmt.Sprintf("More than %d places in one file", maxFound), Severity: high})
	}
}

// place is where a window is.
type place struct {
	inner string
	// program says that it is in an ELF file, lines how many are before it.
	program bool
	lines   int
}

// begin looks for what only the beginning of a file tells.
func (l *search) begin(data []byte, inner string) place {
	if openPGP(data) {
		l.add(Finding{Rule: PrivateKey, Title: titlePGP, Severity: high, Inner: inner})
	}
	return place{inner: inner, program: bytes.HasPrefix(data, []byte("\x7fELF"))}
}

// window looks at data, and tells of what begins at from or later and before
// to; the rest was told, or will be.
func (l *search) window(data []byte, from, to int, at place) {
	var found []Found
	until := make([]int, len(l.detectors))
	l.words.each(data, func(detector, word int) {
		if word < until[detector] {
			return
		}
		more, done := l.detectors[detector].Find(l.name+at.inner, data, word)
		until[detector] = max(done, word+1)
		found = append(found, more...)
	})
	for _, f := range found {
		if f.At < from || f.At >= to || at.program && l.published[f.Sum] {
			continue
		}
		line := 0
		if !f.Binary {
			line = at.lines + bytes.Count(data[:f.At], []byte("\n")) + 1
		}
		l.add(Finding{Rule: f.Rule, Title: f.Title, Severity: f.Severity, Inner: at.inner, Line: line, sum: f.Sum})
	}
}

// stream looks at all that r gives, window by window.
func (l *search) stream(r io.Reader, inner string) error {
	kept := l.buffers.Get().(*[]byte)
	defer l.buffers.Put(kept)
	buffer := *kept
	var at place
	have, from := 0, 0
	for first := true; ; first = false {
		n, err := fill(l.ctx, r, buffer[have:])
		have += n
		data := buffer[:have]
		if first {
			at = l.begin(data, inner)
		}
		to := have
		if err == nil {
			to = have - ahead
		}
		l.window(data, from, to, at)
		if err != nil {
			return unless(err, io.EOF)
		}
		keep := max(0, to-behind)
		at.lines += bytes.Count(data[:keep], []byte("\n"))
		have, from = copy(buffer, data[keep:]), to-keep
	}
}

// fill reads until the buffer is full.
func fill(ctx context.Context, r io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		if err = ctx.Err(); err == nil {
			var more int
			more, err = r.Read(buffer[n:])
			n += more
		}
	}
	return n, err
}
