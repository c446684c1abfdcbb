package secrets

import (
	"bytes"
	"compress/bzip2"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/xi2/xz"
)

// kind is how content is packed.
type kind int

const (
	plain kind = iota
	gzipped
	zstandard
	xzipped
	bzipped
	tarball
	zipped
)

const (
	// headBytes tell every kind: a tar's magic stands at 257.
	headBytes = 512
	// tailBytes find the end of a zip that has something before it, such as a
	// program that unpacks itself.
	tailBytes = 1 << 10
)

// kindOf knows packed content by its first bytes and a zip by its last too.
func kindOf(head, tail []byte) kind {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b\x08")):
		return gzipped
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return zstandard
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return xzipped
	case bytes.HasPrefix(head, []byte("BZh")):
		return bzipped
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return tarball
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.Contains(tail[max(0, len(tail)-tailBytes):], []byte("PK\x05\x06")):
		return zipped
	}
	return plain
}

// Packed says whether Bytes would unpack content.
func Packed(data []byte) bool { return kindOf(data, data) != plain }

// unpacked unpacks what is packed as a whole.
func unpacked(k kind, r io.Reader) (io.Reader, func(), error) {
	nothing := func() {}
	switch k {
	case gzipped:
		z, err := gzip.NewReader(r)
		return z, nothing, err
	case xzipped:
		z, err := xz.NewReader(r, maxDictionary)
		return z, nothing, err
	case bzipped:
		return bzip2.NewReader(r), nothing, nil
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxDictionary))
	if err != nil {
		return nil, nothing, err
	}
	return z, z.Close, nil
}
