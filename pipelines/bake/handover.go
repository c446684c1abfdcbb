package bake

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/cancel"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/pipelines/results"
)

// handedOver takes what was built elsewhere: the receipt must have the digest
// that its maker told, speak of what would be built here, and list what lies
// beside it, byte by byte.
func (b Baker) handedOver(ctx context.Context, l *lock.Lock, key string, o Options) (*results.Built, error) {
	app := l.App
	r, err := b.Folder.Receipt(app)
	if err != nil {
		return nil, err
	}
	path := b.Folder.ReceiptPath(app)
	if r.Digest() != o.Receipt {
		return nil, fault.Hint(fault.New(fault.Integrity, "%s has the digest %s, not the one that was handed over, %s", path, r.Digest(), o.Receipt),
			"take what build --json calls receipt, by a way that nobody else can write to")
	}
	if r.App != app || r.Key != key {
		return nil, fault.Hint(fault.New(fault.Invalid, "%s is of another app file, lock, version of Bakelite or Secure Boot certificate", path),
			"build with those that are here")
	}
	if r = r.Of(o.Targets); !r.Covers(o.Targets, o.SkipTests) {
		return nil, fault.New(fault.Invalid, "%s has %v, tests left out: %t; asked for are %v, tests left out: %t",
			path, r.Kinds(), r.TestsSkipped, o.Targets, o.SkipTests)
	}
	err = progress.Run(ctx, "[receipt] read what was handed over", func(ctx context.Context, _ io.Writer) error {
		for _, a := range r.Artifacts {
			if err := verifyContent(ctx, a); err != nil {
				return fmt.Errorf("comparing with %s: %w", path, err)
			}
		}
		return nil
	})
	return &results.Built{Receipt: r, Lock: l}, err
}

// verifyContent hashes an artifact. The digest of an image's archive is that
// of the image in the layout beside it, and archives are not published.
func verifyContent(ctx context.Context, a artifact.Artifact) error {
	if a.Kind == artifact.Container {
		if a.Format == "archive" {
			return nil
		}
		return oci.Verify(ctx, a.Path, a.Digest)
	}
	// A named pipe must not wait for a writer, and a link leads elsewhere.
	f, err := os.OpenFile(a.Path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return fault.As(fault.Integrity, err)
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, limit.Reader(cancel.Reader(ctx, f), a.Size, a.Path)); err != nil {
		return fault.As(fault.Integrity, err)
	}
	if sum := digests.Sum(hash); sum != a.Digest {
		return fault.New(fault.Integrity, "%s has the digest %s, not %s", a.Path, sum, a.Digest)
	}
	return nil
}
