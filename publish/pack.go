package publish

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/sparse"
	"github.com/bakelite/bakelite/internal/vouch"
)

// form is a way to pack a disk file into a layer.
type form interface {
	// Name and version of the bytes that it makes: part of the cache's key.
	Name() string
	// Pack writes size bytes of r to w; what it wraps them in, such as a tar
	// stream, goes through inner before it is compressed.
	Pack(w io.Writer, inner io.Writer, r io.Reader, size int64) error
}

// packing is a file to pack into the cache.
type packing struct {
	Cache, Source string
	Digest        digest.Digest // of Source, "" to have it computed
	Form          form
	Vouch         vouch.Key
	// Keep is how many bytes of packed files stay; 0 means keptBytes.
	Keep int64
}

// packedFile says what a packed file holds; it is noted as JSON.
type packedFile struct {
	Packed     digest.Digest `json:"packed"`
	PackedSize int64         `json:"packedSize"`
	Inner      digest.Digest `json:"inner"` // of what was compressed
	InnerSize  int64         `json:"innerSize"`

	from packing
}

// keptBytes of packed files stay for publishing again.
const keptBytes = 256 << 20

// packed returns a packed file, from the cache where it is there, known by the
// content's digest and the form. What is in the cache counts where it was
// vouched for that this content makes it, and still has the digest that it had
// then.
func packed(ctx context.Context, p packing) (packedFile, error) {
	if p.Digest == "" {
		d, err := FileDigest(ctx, p.Source)
		if err != nil {
			return packedFile{}, err
		}
		p.Digest = d
	}
	if err := registry.CheckDigest(p.Digest); err != nil {
		return packedFile{}, err
	}
	if have, ok := p.cached(ctx); ok || ctx.Err() != nil {
		return have, ctx.Err()
	}
	return p.pack(ctx)
}

// path is where the packed file stands.
func (p packing) path() string {
	return filepath.Join(p.Cache, p.Digest.Encoded()+"."+p.Form.Name())
}

// openPacked opens the packed file. It is packed again where it is gone: what
// is kept is bounded, and nothing says who is about to send it.
func (p packedFile) openPacked(ctx context.Context) (io.ReadCloser, error) {
	f, err := regular.Open(p.from.path())
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	again, err := p.from.pack(ctx)
	if err != nil {
		return nil, err
	}
	if again.Packed != p.Packed {
		return nil, fault.New(fault.Integrity, "packing %s again gave %s, not %s", p.from.Source, again.Packed, p.Packed)
	}
	return regular.Open(p.from.path())
}

// cached returns what was noted of a file that still is what it was, or that is
// gone: it is made again where it is sent.
func (p packing) cached(ctx context.Context) (packedFile, bool) {
	base := p.path()
	note, vouched := p.Vouch.Noted(vouch.Packed, filepath.Base(base))
	have := packedFile{from: p}
	if !vouched || json.Unmarshal([]byte(note), &have) != nil {
		return packedFile{}, false
	}
	got, err := FileDigest(ctx, base)
	if errors.Is(err, fs.ErrNotExist) {
		return have, true
	}
	cache.Touch(base)
	return have, err == nil && got == have.Packed
}

func (p packing) pack(ctx context.Context) (packedFile, error) {
	base := p.path()
	if err := os.MkdirAll(p.Cache, 0o755); err != nil {
		return packedFile{}, fmt.Errorf("making cache: %w", err)
	}
	out, err := renameio.NewPendingFile(base, renameio.WithTempDir(p.Cache), renameio.WithPermissions(0o644))
	if err != nil {
		return packedFile{}, fmt.Errorf("making packed file: %w", err)
	}
	defer out.Cleanup() //nolint:errcheck // after a rename there is nothing to clean
	source, err := openDisk(ctx, p.Source)
	if err != nil {
		return packedFile{}, err
	}
	defer source.Close()
	whole, outer, inner := sha256.New(), newCounter(out), newCounter(io.Discard)
	if err := p.Form.Pack(outer, inner, io.TeeReader(source, whole), source.Size()); err != nil {
		return packedFile{}, fmt.Errorf("compressing: %w", err)
	}
	if got := digest.NewDigest(digest.SHA256, whole); got != p.Digest {
		return packedFile{}, fault.New(fault.Integrity, "%s is %s: it was %s when it was made", p.Source, got, p.Digest)
	}
	if err := out.CloseAtomicallyReplace(); err != nil {
		return packedFile{}, fmt.Errorf("writing packed file: %w", err)
	}
	done := packedFile{Packed: outer.digest(), PackedSize: outer.n, Inner: inner.digest(), InnerSize: inner.n, from: p}
	if done.InnerSize == 0 {
		done.Inner, done.InnerSize = p.Digest, source.Size()
	}
	text, err := json.Marshal(done)
	if err == nil {
		err = p.Vouch.Note(vouch.Packed, filepath.Base(base), string(text))
	}
	cache.TrimBytes(p.Cache, cmp.Or(p.Keep, keptBytes))
	return done, err
}

// FileDigest hashes a file without reading its holes. One that is not there is
// fault.Missing.
func FileDigest(ctx context.Context, path string) (digest.Digest, error) {
	source, err := openDisk(ctx, path)
	if err != nil {
		return "", err
	}
	defer source.Close()
	whole := sha256.New()
	if _, err := io.Copy(whole, source); err != nil {
		return "", fmt.Errorf("hashing: %w", err)
	}
	return digest.NewDigest(digest.SHA256, whole), nil
}

// counter hashes and counts what passes.
type counter struct {
	w io.Writer
	h hash.Hash
	n int64
}

func newCounter(w io.Writer) *counter { return &counter{w: w, h: sha256.New()} }

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.h.Write(p[:n])
	c.n += int64(n)
	return n, err
}

func (c *counter) digest() digest.Digest { return digest.NewDigest(digest.SHA256, c.h) }

// openDisk reads a disk file and gives zeros for its holes.
func openDisk(ctx context.Context, path string) (*sparse.Reader, error) {
	r, err := sparse.Open(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		err = fault.As(fault.Missing, err)
	}
	if err != nil {
		return nil, fmt.Errorf("opening disk: %w", err)
	}
	return r, nil
}
