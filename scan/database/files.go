package database

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
)

const (
	// maxDatabase bounds trivy.db, in bytes; today's has about 1 GB.
	maxDatabase = 8 << 30
	// maxMetadata bounds metadata.json, in bytes.
	maxMetadata = 64 << 10
	// maxTail bounds what may follow the files in the archive, in bytes: a tar
	// file is padded to whole records.
	maxTail = 1 << 20
	// schema is the version of the database's form that Trivy 0.74 reads.
	schema = 2
)

// metadata is Trivy's metadata.json, as far as it matters here.
type metadata struct {
	Version   int       `json:"Version"`
	UpdatedAt time.Time `json:"UpdatedAt"`
}

func sizes() map[string]int64 {
	return map[string]int64{databaseFile: maxDatabase, metadataFile: maxMetadata}
}

// readMetadata checks that both files are there and reads the small one.
func readMetadata(dir string) (metadata, error) {
	var meta metadata
	if info, err := os.Stat(filepath.Join(dir, databaseFile)); err != nil || info.Size() == 0 {
		return meta, fault.New(fault.Missing, "%s is missing or empty in %s", databaseFile, dir)
	}
	f, err := regular.Open(filepath.Join(dir, metadataFile))
	if err != nil {
		return meta, fault.New(fault.Missing, "opening metadata: %w", err)
	}
	defer f.Close()
	text, err := limit.ReadAll(f, maxMetadata, metadataFile)
	if err == nil {
		err = json.Unmarshal(text, &meta)
	}
	switch {
	case err != nil:
		return meta, fault.New(fault.Integrity, "reading %s: %w", metadataFile, err)
	case meta.Version != schema:
		return meta, fault.New(fault.Integrity, "it has the form %d: want %d", meta.Version, schema)
	case meta.UpdatedAt.IsZero():
		return meta, fault.New(fault.Integrity, "%s does not say when it was updated", metadataFile)
	}
	return meta, nil
}

// unpackTo writes the two files of a packed database and reads the blob to
// its end, where its digest is checked.
func unpackTo(ctx context.Context, dir string, blob io.Reader) error {
	z, err := gzip.NewReader(blob)
	if err != nil {
		return classify(err)
	}
	archive, seen := tar.NewReader(z), map[string]bool{}
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return classify(err)
		}
		name := path.Clean(h.Name)
		if h.Typeflag == tar.TypeDir && name == "." {
			continue
		}
		max, known := sizes()[name]
		if !known || seen[name] || h.Typeflag != tar.TypeReg {
			return fault.New(fault.Integrity, "%q does not belong into it", h.Name)
		}
		seen[name] = true
		if err := writeFile(ctx, filepath.Join(dir, name), limit.Reader(archive, max, name)); err != nil {
			return classify(err)
		}
	}
	for _, rest := range []io.Reader{z, blob} {
		if _, err := io.Copy(io.Discard, limit.Reader(rest, maxTail, "what follows the files")); err != nil {
			return classify(err)
		}
	}
	return nil
}

// classify takes errors of reading that nobody classified as damage.
func classify(err error) error {
	var file *fs.PathError
	if errors.As(err, &file) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fault.As(fault.Integrity, err)
}

func writeFile(ctx context.Context, path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := copyUntil(ctx, f, r); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// copyUntil copies until the context ends.
func copyUntil(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	var total int64
	for {
		n, err := io.CopyN(w, r, 16<<20)
		total += n
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return total, err
		}
	}
}

// folderDigest is the digest of the lines that sha256sum prints of the two
// files, so that a person can make it too.
func folderDigest(ctx context.Context, dir string) (digest.Digest, error) {
	whole := sha256.New()
	for _, name := range []string{databaseFile, metadataFile} {
		f, err := regular.Open(filepath.Join(dir, name))
		if err != nil {
			return "", fault.New(fault.Missing, "opening database: %w", err)
		}
		one := sha256.New()
		_, err = copyUntil(ctx, one, limit.Reader(f, sizes()[name], name))
		f.Close()
		if err != nil {
			return "", classify(fmt.Errorf("reading %s: %w", name, err))
		}
		_, _ = fmt.Fprintf(whole, "%x  %s\n", one.Sum(nil), name) // a hash takes all
	}
	return digest.NewDigest(digest.SHA256, whole), nil
}
