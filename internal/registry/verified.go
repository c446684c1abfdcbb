package registry

import (
	"io"

	"github.com/opencontainers/go-digest"

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

func newVerified(r io.ReadCloser, want Descriptor) io.ReadCloser {
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

// readBlob reads a small blob to its end.
func readBlob(r io.ReadCloser, max int64, what string) ([]byte, error) {
	defer r.Close()
	content, err := limit.ReadAll(r, max, what)
	return content, fault.As(fault.Integrity, err)
}
