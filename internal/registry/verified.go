package registry

import (
	"io"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// verified passes a blob on and, in place of its end, fails where the bytes
// were others than the descriptor names.
type verified struct {
	io.ReadCloser
	bounded  io.Reader
	verifier digest.Verifier
	want     Descriptor
	read     int64
}

// Verified returns a reader that fails with fault.Integrity in place of r's
// end, or beyond it, where the bytes are others than the descriptor names.
func Verified(r io.ReadCloser, want Descriptor) io.ReadCloser {
	v := &verified{ReadCloser: r, verifier: want.Digest.Verifier(), want: want}
	v.bounded = io.TeeReader(limit.Reader(r, want.Size, "blob "+want.Digest.String()), v.verifier)
	return v
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.bounded.Read(p)
	v.read += int64(n)
	if err == io.EOF && (v.read != v.want.Size || !v.verifier.Verified()) {
		err = fault.New(fault.Integrity, "%s was asked for and something else came, of %d bytes", v.want.Digest, v.read)
	}
	return n, wrapLimit(err)
}

// wrapLimit classifies going past a size that a digest's descriptor promised.
func wrapLimit(err error) error {
	if over, ok := err.(*limit.Error); ok { //nolint:errorlint // package limit returns it bare
		return fault.As(fault.Integrity, over)
	}
	return err
}

// CheckDescriptor refuses one that cannot be fetched safely: fault.Integrity.
func CheckDescriptor(d Descriptor) error {
	if err := CheckDigest(d.Digest); err != nil {
		return err
	}
	if d.Size < 0 || d.Size > maxBlob {
		return fault.New(fault.Integrity, "%s has a size of %d bytes: want 0 to %d", d.Digest, d.Size, int64(maxBlob))
	}
	return nil
}

// CheckDigest takes SHA-256 alone, which is what is signed here: another digest
// is fault.Integrity.
func CheckDigest(d digest.Digest) error {
	if !digests.Valid(d.String()) {
		return fault.New(fault.Integrity, "%q is no SHA-256 digest", d)
	}
	return nil
}
