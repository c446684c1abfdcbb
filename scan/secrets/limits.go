package secrets

import (
	"context"
	"errors"

	"github.com/klauspost/compress/zstd"
	"github.com/xi2/xz"

	"github.com/bakelite/bakelite/internal/limit"
)

// Limits bound what is unpacked of one file; what is beyond them is a finding.
type Limits struct {
	// Depth is the number of archives in each other, Entries that of their
	// entries, Bytes the size of all that they hold, each time it is unpacked.
	Depth   int
	Entries int
	Bytes   int64
}

// DefaultLimits are above what is in images: a toolchain's sources have
// 100,000 files and 1 GiB, in a tar in a compressed stream.
func DefaultLimits() Limits { return Limits{Depth: 8, Entries: 500_000, Bytes: 8 << 30} }

func (l Limits) filled() Limits {
	d := DefaultLimits()
	if l.Depth == 0 {
		l.Depth = d.Depth
	}
	if l.Entries == 0 {
		l.Entries = d.Entries
	}
	if l.Bytes == 0 {
		l.Bytes = d.Bytes
	}
	return l
}

const (
	// maxDictionary bounds the memory of one decoder, in bytes: xz -9 uses 64
	// MiB, zstd --long twice that.
	maxDictionary = 128 << 20
	// maxZip bounds a zip in an archive, in bytes, which is kept in memory.
	maxZip = 64 << 20
)

// overLimit ends the look into an archive.
type overLimit struct{ why, inner string }

func (e *overLimit) Error() string { return e.why }

// unread is the finding of an archive that was not looked into.
func unread(why, inner string) Finding {
	return Finding{Rule: "unread-archive", Title: "Archive that was not looked into: " + why, Severity: medium, Inner: inner}
}

// tooLarge tells an archive that needs more memory than there is from one that
// is broken.
func tooLarge(err error, inner string) error {
	switch {
	case errors.Is(err, xz.ErrMemlimit), errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.As(err, new(*limit.Error)):
		return &overLimit{"it needs too much memory", inner}
	}
	return broken(err)
}

// broken lets only those errors pass that are not the archive's: it was read
// as far as it goes.
func broken(err error) error {
	if errors.As(err, new(*overLimit)) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
