package child

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/sparse"
)

// extents is a digest of a file's bytes and of where its holes are, which a
// raw disk mostly consists of. It is "" for what is no regular file that this
// user reads; only an ended context is an error.
func extents(ctx context.Context, path string) (string, error) {
	f, err := regular.Open(path)
	if err != nil {
		return "", nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", nil
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d bytes\n", info.Size())
	for at := int64(0); at < info.Size(); {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		start, end, err := sparse.Extent(f, at, info.Size())
		if err != nil {
			return "", nil
		}
		end = min(end, start+piece)
		fmt.Fprintf(h, "%d to %d\n", start, end)
		if _, err := io.Copy(h, io.NewSectionReader(f, start, end-start)); err != nil {
			return "", nil
		}
		at = end
	}
	return "extents:" + hex.EncodeToString(h.Sum(nil)), nil
}

// piece is how much is read, in bytes, before a look at the context.
const piece = 64 << 20
