package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
)

// layout is a repository in an OCI layout folder. Files are written beside
// their place, synced and renamed; the index changes under a lock.
type layout struct{ dir string }

// Layout returns the repository in a layout folder, which the first write
// makes where it is missing.
func Layout(dir string) Store { return layout{dir} }

func (l layout) Name() string { return LayoutPrefix + l.dir }

func (l layout) blobPath(d digest.Digest) string {
	return filepath.Join(l.dir, "blobs", d.Algorithm().String(), d.Encoded())
}

func (l layout) HasBlob(_ context.Context, d Descriptor) (bool, error) {
	if err := CheckDescriptor(d); err != nil {
		return false, err
	}
	info, err := os.Stat(l.blobPath(d.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for blob: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() != d.Size {
		return false, nil
	}
	return l.holds(d)
}

// holds compares a blob's bytes with its digest, so that one that was damaged
// or changed is written again.
func (l layout) holds(d Descriptor) (bool, error) {
	f, err := regular.Open(l.blobPath(d.Digest))
	if err != nil {
		return false, fmt.Errorf("looking for blob: %w", err)
	}
	defer f.Close()
	verifier := d.Digest.Verifier()
	if _, err := io.Copy(verifier, f); err != nil {
		return false, fmt.Errorf("reading blob: %w", err)
	}
	return verifier.Verified(), nil
}

func (l layout) PutBlob(ctx context.Context, b Blob) error {
	if has, err := l.HasBlob(ctx, b.Descriptor); has || err != nil {
		return err
	}
	r, err := b.Open(ctx)
	if err != nil {
		return fmt.Errorf("opening blob %s: %w", b.Digest, err)
	}
	r = Verified(r, b.Descriptor)
	defer r.Close()
	if err := l.write(ctx, b.Digest, r); err != nil {
		return fmt.Errorf("writing blob %s: %w", b.Digest, err)
	}
	return nil
}

func (l layout) Blob(_ context.Context, d Descriptor) (io.ReadCloser, error) {
	if err := CheckDescriptor(d); err != nil {
		return nil, err
	}
	f, err := regular.Open(l.blobPath(d.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound("blob " + d.Digest.String())
	}
	if err != nil {
		return nil, fmt.Errorf("opening blob: %w", err)
	}
	return Verified(f, d), nil
}

func (l layout) Manifest(_ context.Context, ref string) (Manifest, error) {
	want := digest.Digest(ref)
	if CheckDigest(want) != nil {
		found, err := l.find(ref)
		if err != nil {
			return Manifest{}, err
		}
		want = found
	}
	content, err := l.small(want)
	if err != nil {
		return Manifest{}, err
	}
	m := NewManifest("", content)
	if m.Digest != want {
		return Manifest{}, fault.New(fault.Integrity, "layout %s: the file of %s holds %s", l.dir, want, m.Digest)
	}
	m.MediaType = mediaTypeOf(m)
	return m, nil
}

// small reads a blob that is a manifest, whose size nobody told.
func (l layout) small(d digest.Digest) ([]byte, error) {
	f, err := regular.Open(l.blobPath(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound("manifest " + d.String() + " in " + l.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("opening manifest: %w", err)
	}
	defer f.Close()
	content, err := limit.ReadAll(f, maxManifest, "manifest "+d.String())
	return content, fault.As(fault.Integrity, err)
}

func (l layout) PutManifest(ctx context.Context, m Manifest) (int64, error) {
	has, err := l.HasBlob(ctx, m.Descriptor)
	if err != nil {
		return 0, err
	}
	if !has {
		if err := l.PutBlob(ctx, InMemory(m.Descriptor, m.Content)); err != nil {
			return 0, err
		}
	}
	d, _, err := m.Referrer()
	if err != nil {
		return 0, err
	}
	if err := l.update(ctx, func(i *index) error { i.add(d); return nil }); err != nil || has {
		return 0, err
	}
	return m.Size, nil
}
