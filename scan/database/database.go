// Package database brings the scanner's database of known vulnerabilities to
// this machine: Trivy's, as an OCI artifact of a registry or a layout, or as a
// plain folder. It checks digests, sizes and age, and reads nothing of what
// the database says; scan/trivy does. It refuses files that Trivy's form does
// not have and databases that are too old to judge by. It does not import
// Trivy.
package database

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/scan"
)

// Files of a database, by Trivy's form.
const (
	databaseFile = "trivy.db"
	metadataFile = "metadata.json"
)

// Options say which database, and how old it may be.
type Options struct {
	// Ref is a reference in a registry, "oci:PATH" or the path of a layout, or
	// a folder with trivy.db and metadata.json.
	Ref string
	// State is the folder that fetched databases are kept in; what nobody used
	// there for three days is removed. What is there already counts where Vouch
	// does so.
	State string
	Vouch vouch.Key
	// Digest pins the database, "" for none: the manifest's, or a folder's as
	// Fetch returns it. A pinned one that is there is used without a network.
	Digest string
	// MaxAge refuses older databases; 0 takes any.
	MaxAge time.Duration
	// Now is what ages are counted from.
	Now time.Time
	// Registry says how a registry is reached.
	Registry registry.Options
}

// Database is a database on this machine.
type Database struct {
	scan.Database
	// Dir holds trivy.db and metadata.json.
	Dir string
}

// Fetch returns the database, from State where it is there. Several processes
// may do so at once. None is fault.Missing or fault.Network, one that is
// damaged or another than pinned fault.Integrity, an old one fault.Policy.
func Fetch(ctx context.Context, o Options) (Database, error) {
	if o.Ref == "" {
		return Database{}, hint(fault.New(fault.Missing, "no database of vulnerabilities is set"))
	}
	if o.Digest != "" && digest.Digest(o.Digest).Validate() != nil {
		return Database{}, fault.New(fault.Invalid, "the database is pinned to %q, which is no digest", o.Digest)
	}
	dir, found, err := o.locate(ctx)
	if err != nil {
		return Database{}, hint(fmt.Errorf("fetching database of vulnerabilities %s: %w", o.Ref, err))
	}
	meta, err := readMetadata(dir)
	if err != nil {
		return Database{}, hint(fmt.Errorf("reading database of vulnerabilities %s: %w", o.Ref, err))
	}
	if err := o.checkAge(meta.UpdatedAt); err != nil {
		return Database{}, err
	}
	return Database{scan.Database{Ref: o.Ref, Digest: found.String(), Updated: meta.UpdatedAt.UTC()}, dir}, nil
}

// locate returns the folder of the database.
func (o Options) locate(ctx context.Context) (string, digest.Digest, error) {
	info, err := os.Stat(o.Ref)
	switch {
	case err != nil || !info.IsDir():
		return o.fetch(ctx, o.Ref)
	case isLayout(o.Ref):
		return o.fetch(ctx, registry.LayoutPrefix+o.Ref)
	default:
		d, err := folderDigest(ctx, o.Ref)
		if err == nil && o.Digest != "" && o.Digest != d.String() {
			err = fault.New(fault.Integrity, "it is %s and pinned to %s", d, o.Digest)
		}
		return filepath.Clean(o.Ref), d, err
	}
}

func isLayout(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "oci-layout"))
	return err == nil
}

// maxFuture is how far ahead a database's clock may be; a date further ahead
// would make it never old.
const maxFuture = 24 * time.Hour

func (o Options) checkAge(updated time.Time) error {
	if updated.After(o.Now.Add(maxFuture)) {
		return hint(fault.New(fault.Integrity, "database of vulnerabilities %s says that it was updated at %s, which is to come", o.Ref, updated.UTC().Format(time.RFC3339)))
	}
	if age := o.Now.Sub(updated); o.MaxAge > 0 && age > o.MaxAge {
		err := fault.New(fault.Policy, "database of vulnerabilities %s was updated at %s, %s ago: at most %s are allowed",
			o.Ref, updated.UTC().Format(time.RFC3339), age.Round(time.Minute), o.MaxAge)
		return fault.Hint(err, "update %s, or set scanner.database to one that is kept up to date", o.Ref)
	}
	return nil
}

func hint(err error) error {
	if strings.Contains(fault.HintOf(err), "docker login") {
		return err
	}
	return &fault.Error{Kind: fault.KindOf(err), Err: err, Hint: "set scanner.database to a reference of Trivy's database in a registry, an OCI layout or a folder with " + databaseFile + " and " + metadataFile}
}
