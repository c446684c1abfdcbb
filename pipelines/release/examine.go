package release

import (
	"context"
	"slices"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/database"
	"github.com/bakelite/bakelite/scan/protocol"
)

// seen is what scanner and checker saw in one subject.
type seen struct {
	examine.Scanned
	// hardening is which controls hold in the subject, as it is published.
	hardening []controls.Result
	// disbelieved says why an earlier report was no evidence of when fixes
	// came out, "" where it was or none was asked for.
	disbelieved string
}

// doubt ends the message of a failed verdict.
func (s seen) doubt() string {
	if s.disbelieved == "" {
		return ""
	}
	return "\n  " + s.disbelieved
}

// examine has all subjects scanned in one walk, dates the fixes by what was
// published before, and has the hardening checked.
func (p Publisher) examine(ctx context.Context, a app.App, subjects []subject, db database.Database) ([]seen, error) {
	roots, at := p.rootsOf(a, subjects)
	scanned, err := p.Examiner.Scan(ctx, roots, db)
	if err != nil {
		return nil, err
	}
	all := make([]seen, len(subjects))
	for i, s := range subjects {
		all[i].Scanned = scanned[at[i]]
		all[i].Report.Subject, all[i].Report.ArtifactKind = s.digest(), s.kind
	}
	if err := p.dateFixes(ctx, subjects, all); err != nil {
		return nil, err
	}
	hardening, err := p.Examiner.Check(ctx, a, roots)
	if err != nil {
		return nil, err
	}
	for i := range subjects {
		all[i].hardening = hardening[at[i]]
	}
	return all, nil
}

// rootsOf is what the subjects hold, and which of it each of them: two may hold
// the same disk.
func (p Publisher) rootsOf(a app.App, subjects []subject) (roots []protocol.Root, at []int) {
	at = make([]int, len(subjects))
	for i, s := range subjects {
		r := examine.Root(a.Name, s.kind, examine.Bootable(s.made), p.Folder.Layout(a.Name))
		if at[i] = slices.Index(roots, r); at[i] < 0 {
			at[i], roots = len(roots), append(roots, r)
		}
	}
	return roots, at
}
