//go:build goexperiment.jsonv2

package trivy

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	trivydb "github.com/aquasecurity/trivy-db/pkg/db"
	"github.com/aquasecurity/trivy-db/pkg/metadata"
	"github.com/aquasecurity/trivy/pkg/db"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/protocol"
)

// maxMetadata bounds metadata.json, in bytes.
const maxMetadata = 64 << 10

// clockSkew is how far in the future a database may seem to be.
const clockSkew = 24 * time.Hour

// openDatabase opens a database for this whole process, and refuses one that
// is missing, of an unknown form, empty, or too old to be judged by.
func openDatabase(d protocol.Database, now time.Time) (scan.Database, error) {
	updated, err := updatedAt(d, now)
	if err != nil {
		return scan.Database{}, fault.Hint(err, "fetch the database of vulnerabilities again, or name another one")
	}
	sum := d.Digest
	if sum == "" {
		if sum, err = fileDigest(trivydb.Path(d.Folder)); err != nil {
			return scan.Database{}, fault.As(fault.Missing, fmt.Errorf("reading database: %w", err))
		}
	}
	if err := db.Init(d.Folder); err != nil {
		return scan.Database{}, fault.As(fault.Integrity, fmt.Errorf("opening database: %w", err))
	}
	if err := notEmpty(); err != nil {
		return scan.Database{}, fault.Hint(err, "fetch the database of vulnerabilities again, or name another one")
	}
	return scan.Database{Ref: d.Ref, Digest: sum, Updated: updated}, nil
}

func updatedAt(d protocol.Database, now time.Time) (time.Time, error) {
	if _, err := os.Stat(trivydb.Path(d.Folder)); err != nil {
		return time.Time{}, fault.As(fault.Missing, fmt.Errorf("opening database: %w", err))
	}
	f, err := regular.Open(metadata.Path(d.Folder))
	if err != nil {
		return time.Time{}, fault.As(fault.Missing, fmt.Errorf("opening database: %w", err))
	}
	defer f.Close()
	text, err := limit.ReadAll(f, maxMetadata, "metadata.json")
	if err != nil {
		return time.Time{}, fault.As(fault.Integrity, err)
	}
	var m metadata.Metadata
	if err := json.Unmarshal(text, &m); err != nil {
		return time.Time{}, fault.As(fault.Integrity, fmt.Errorf("reading metadata.json: %w", err))
	}
	return m.UpdatedAt.UTC(), checkAge(m, d.MaxAge, now)
}

func checkAge(m metadata.Metadata, maxAge time.Duration, now time.Time) error {
	if maxAge == 0 {
		maxAge = protocol.DefaultMaxAge
	}
	switch age := now.Sub(m.UpdatedAt); {
	case m.Version != trivydb.SchemaVersion:
		return fault.New(fault.Integrity, "the database has the form %d: want %d", m.Version, trivydb.SchemaVersion)
	case m.UpdatedAt.IsZero():
		return fault.New(fault.Integrity, "the database does not say how old it is")
	case age < -clockSkew:
		return fault.New(fault.Integrity, "the database was made in the future, at %s", m.UpdatedAt.UTC().Format(time.RFC3339))
	case age > maxAge:
		return fault.New(fault.Integrity, "the database of %s is %s old: more than %s", m.UpdatedAt.UTC().Format(time.RFC3339), age.Round(time.Hour), maxAge)
	}
	return nil
}

// notEmpty looks for at least one vulnerability and one source of advisories.
func notEmpty() (err error) {
	defer func() {
		// bbolt panics on pages that are not its own.
		if r := recover(); r != nil {
			err = fault.New(fault.Integrity, "the database is broken: %v", r)
		}
	}()
	tx, err := trivydb.Config{}.Connection().Begin(false)
	if err != nil {
		return fault.As(fault.Integrity, fmt.Errorf("opening database: %w", err))
	}
	defer func() { _ = tx.Rollback() }()
	for _, name := range []string{"vulnerability", "data-source"} {
		bucket := tx.Bucket([]byte(name))
		if bucket == nil {
			return fault.New(fault.Integrity, "the database is empty: it has no %s", name)
		}
		if key, _ := bucket.Cursor().First(); key == nil {
			return fault.New(fault.Integrity, "the database is empty: it has no %s", name)
		}
	}
	return nil
}

func fileDigest(path string) (string, error) {
	f, err := regular.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return digests.Sum(h), nil
}
