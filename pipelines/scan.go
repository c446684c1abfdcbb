package pipelines

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/builders/vm"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/child"
	"github.com/bakelite/bakelite/scan/database"
	"github.com/bakelite/bakelite/scan/gate"
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

// scanned is what the scanner gave for one subject.
type scanned struct {
	report          scan.Report
	cycloneDX, spdx []byte
	// disbelieved says why an earlier report was no evidence of when fixes
	// came out, "" where it was or none was asked for.
	disbelieved string
}

// doubt ends the message of a failed verdict.
func (s scanned) doubt() string {
	if s.disbelieved == "" {
		return ""
	}
	return "\n  " + s.disbelieved
}

func (k Kitchen) database(ctx context.Context) (db database.Database, err error) {
	err = k.Progress.Do(ctx, "[scan] look for a newer database", func(ctx context.Context, _ io.Writer) (_ bool, err error) {
		db, err = k.Publisher.Database(ctx)
		return false, err
	})
	return db, err
}

// scan reads all subjects in one walk.
func (k Kitchen) scan(ctx context.Context, a app.App, subjects []subject, db database.Database) ([]scanned, error) {
	roots, at := k.rootsOf(a, subjects)
	results, err := k.scanRoots(ctx, roots, db)
	if err != nil {
		return nil, err
	}
	seen := make([]scanned, len(subjects))
	for i, s := range subjects {
		seen[i] = results[at[i]]
		seen[i].report.Subject, seen[i].report.ArtifactKind = s.digest(), s.kind
	}
	return seen, nil
}

// rootsOf is what the subjects hold, and which of it each of them: two may hold
// the same disk.
func (k Kitchen) rootsOf(a app.App, subjects []subject) (roots []protocol.Root, at []int) {
	at = make([]int, len(subjects))
	for i, s := range subjects {
		r := root(a.Name, s.kind, bootableOf(s.made), k.layoutPath(a.Name))
		if at[i] = slices.Index(roots, r); at[i] < 0 {
			at[i], roots = len(roots), append(roots, r)
		}
	}
	return roots, at
}

// scanRoots has the scanner read some roots.
func (k Kitchen) scanRoots(ctx context.Context, roots []protocol.Root, db database.Database) ([]scanned, error) {
	request := child.Request{
		Roots: roots, Now: time.Now().UTC().Truncate(time.Second), Untouched: vm.Untouched(k.partsPath()),
		Database: protocol.Database{Folder: db.Dir, Ref: db.Ref, Digest: db.Digest, MaxAge: k.Policy.Gate.MaxDatabaseAge.Std()},
	}
	var results []protocol.Result
	var kinds []string
	for _, r := range roots {
		kinds = append(kinds, r.Kind)
	}
	err := k.Progress.Do(ctx, "[scan] read "+strings.Join(kinds, " and "), func(ctx context.Context, _ io.Writer) (_ bool, err error) {
		results, err = k.Publisher.Scanner.Scan(ctx, request)
		return false, err
	})
	if err != nil {
		return nil, err
	}
	if len(results) != len(roots) {
		return nil, fault.New(fault.Internal, "the scanner reported on %d of %d artifacts", len(results), len(roots))
	}
	seen := make([]scanned, len(roots))
	for i, r := range results {
		seen[i] = scanned{report: r.Report, cycloneDX: r.CycloneDX, spdx: r.SPDX}
	}
	return seen, nil
}

// root is one artifact of this machine as the scanner is told of it.
func root(name, kind string, made artifact.Artifact, layout string) protocol.Root {
	if kind == artifact.Disk {
		return protocol.Root{Name: name, Kind: protocol.Disk, Path: made.Path, Digest: made.Digest}
	}
	return protocol.Root{Name: name, Kind: protocol.Image, Path: layout, Digest: made.Digest}
}

// writeVerdict keeps what the scanner saw and the gate said, for study.
func (k Kitchen) writeVerdict(a app.App, s subject, v gate.Verdict, seen scanned) error {
	for what, value := range map[string]any{"report": seen.report, "verdict": v} {
		if err := writeJSON(k.judgedPath(a, s, what), value); err != nil {
			return err
		}
	}
	return writeFile(k.judgedPath(a, s, "cdx"), seen.cycloneDX)
}
