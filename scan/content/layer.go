package content

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/scan/protocol"
)

// Whiteouts of the OCI image specification, layer.md.
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// zstdWindow bounds the memory of one zstd stream, in bytes; RFC 8878 asks
// decoders for 8 MiB, mkfs tools use up to 128 MiB.
const zstdWindow = 128 << 20

// layer is one blob of a layout, a tar that may be compressed.
type layer struct {
	dir    string
	blob   descriptor
	diffID string
	limits protocol.Limits
}

func (l layer) verify(ctx context.Context) error {
	f, err := openBlob(l.dir, l.blob.Digest)
	if err != nil {
		return err
	}
	defer f.Close()
	return sumOf(ctx, f, l.blob.Digest)
}

func (l layer) walk(ctx context.Context, visit Visit) (Removed, error) {
	removed, err := l.read(ctx, visit)
	if err != nil {
		return Removed{}, fmt.Errorf("reading layer %s: %w", l.blob.Digest, classify(err))
	}
	return removed, nil
}

// classify calls every error that nobody classified a broken artifact, but
// for an ended context.
func classify(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fault.As(fault.Integrity, err)
}

func (l layer) read(ctx context.Context, visit Visit) (Removed, error) {
	t := tarWalk{budget: budget{limits: l.limits}, visit: visit, links: noLinks()}
	bytes, err := l.each(ctx, t.entry)
	if err != nil {
		return Removed{}, err
	}
	t.removed.Bytes = bytes
	return t.removed, t.linked(ctx, l)
}

// each visits every entry of the layer and returns the size of the layer,
// unpacked. Where it returns no error the bytes are what their digests say.
func (l layer) each(ctx context.Context, visit func(*tar.Header, io.Reader) error) (int64, error) {
	f, err := openBlob(l.dir, l.blob.Digest)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	packed := sha256.New()
	compressed := io.TeeReader(contextReader{ctx, f}, packed)
	plain, end, err := decompress(compressed)
	if err != nil {
		return 0, err
	}
	defer end()
	unpacked := sha256.New()
	bounded := limit.Reader(plain, l.limits.TreeBytes, "the unpacked layer")
	count := &counter{r: io.TeeReader(bounded, unpacked)}
	if err := entries(tar.NewReader(count), visit); err != nil {
		return 0, err
	}
	// What follows the archive's end belongs to the digests too.
	for _, rest := range []io.Reader{count, compressed} {
		if _, err := io.Copy(io.Discard, rest); err != nil {
			return 0, err
		}
	}
	return count.n, errors.Join(compare(l.blob.Digest, packed.Sum(nil)), compare(l.diffID, unpacked.Sum(nil)))
}

func compare(digest string, got []byte) error {
	if want, err := hexOf(digest); err != nil || !bytes.Equal(got, want) {
		return mismatch(digest, got)
	}
	return nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// decompress looks at the first bytes, not at the media type, as every
// runtime does.
func decompress(r io.Reader) (io.Reader, func(), error) {
	b := bufio.NewReaderSize(r, 1<<16)
	magic, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, err
		}
		return z, func() { _ = z.Close() }, nil
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	default:
		return b, func() {}, nil
	}
}

// tarWalk visits the regular files of one layer, under each of their names.
// Other links and devices have no content of their own and are counted only.
type tarWalk struct {
	budget  budget
	visit   Visit
	links   links
	removed Removed
}

func entries(r *tar.Reader, visit func(*tar.Header, io.Reader) error) error {
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(header, r); err != nil {
			return err
		}
	}
}

func (t *tarWalk) entry(header *tar.Header, r io.Reader) error {
	name := nameOf(header.Name)
	if err := t.budget.entry(name); err != nil {
		return err
	}
	folder, base := path.Split(name)
	if base == opaque {
		t.removed.OpaqueDirs = append(t.removed.OpaqueDirs, folder)
		return nil
	}
	if gone, ok := strings.CutPrefix(base, whiteout); ok {
		t.removed.Files = append(t.removed.Files, path.Join(folder, gone))
		return nil
	}
	if header.Typeflag == tar.TypeLink {
		t.links.add(nameOf(header.Linkname), name)
		return nil
	}
	if !isFile(header) {
		return nil
	}
	return t.offer(name, header, r)
}

// isFile says whether an entry has content, in any of the three forms.
func isFile(h *tar.Header) bool {
	return h.Typeflag == tar.TypeReg || h.Typeflag == tar.TypeGNUSparse || h.Typeflag == tar.TypeCont
}

// nameOf is the path of an entry, relative to the root of the tree.
func nameOf(name string) string { return strings.TrimLeft(path.Clean(name), "/") }

func (t *tarWalk) offer(name string, header *tar.Header, r io.Reader) error {
	if err := t.budget.file(name, header.Size); err != nil {
		return err
	}
	named := *header
	named.Name = name
	return t.visit(File{Path: name, Info: named.FileInfo(), Open: func() (io.ReadCloser, error) { return io.NopCloser(r), nil }})
}
