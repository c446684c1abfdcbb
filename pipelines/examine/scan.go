// Package examine has what was made, or is there, read by processes that are
// shut in, and puts what they saw into the form that the gate judges. It
// decides nothing.
package examine

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/child"
	"github.com/bakelite/bakelite/scan/database"
	"github.com/bakelite/bakelite/scan/protocol"
)

// Scanner reads artifacts in a process of its own, which has no keys, no
// credentials and no network.
type Scanner interface {
	Scan(ctx context.Context, request child.Request) ([]protocol.Result, error)
	List(ctx context.Context, roots []protocol.Root) ([]map[string]string, error)
	// Digest is that of its program.
	Digest(ctx context.Context) (string, error)
}

// Examiner is who reads artifacts, and what they are compared with.
type Examiner struct {
	Scanner Scanner
	// Fetch fetches what packages are compared with.
	Fetch func(ctx context.Context) (database.Database, error)
	// MaxAge is how old that may be; 0 is any age.
	MaxAge time.Duration
	// Untouched lists the SHA-256 of files that locked packages brought and
	// that are not searched for secrets; nil is none.
	Untouched func() []string
	Hardening
}

// Scanned is what the scanner gave for one root.
type Scanned struct {
	Report          scan.Report
	CycloneDX, SPDX []byte
}

// Database fetches what packages are compared with.
func (e Examiner) Database(ctx context.Context) (database.Database, error) {
	return progress.Do(ctx, "[scan] look for a newer database", func(ctx context.Context, _ io.Writer) (database.Database, error) {
		return e.Fetch(ctx)
	})
}

// Scan has the scanner read some roots in one walk.
func (e Examiner) Scan(ctx context.Context, roots []protocol.Root, db database.Database) ([]Scanned, error) {
	request := child.Request{
		Roots: roots, Now: time.Now().UTC().Truncate(time.Second),
		Database: protocol.Database{Folder: db.Dir, Ref: db.Ref, Digest: db.Digest, MaxAge: e.MaxAge},
	}
	if e.Untouched != nil {
		request.Untouched = e.Untouched()
	}
	var kinds []string
	for _, r := range roots {
		kinds = append(kinds, r.Kind)
	}
	results, err := progress.Do(ctx, "[scan] read "+strings.Join(kinds, " and "), func(ctx context.Context, _ io.Writer) ([]protocol.Result, error) {
		return e.Scanner.Scan(ctx, request)
	})
	if err != nil {
		return nil, err
	}
	if len(results) != len(roots) {
		return nil, fault.New(fault.Internal, "the scanner reported on %d of %d artifacts", len(results), len(roots))
	}
	seen := make([]Scanned, len(roots))
	for i, r := range results {
		seen[i] = Scanned{Report: r.Report, CycloneDX: r.CycloneDX, SPDX: r.SPDX}
	}
	return seen, nil
}
