package bake

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/scan/gate"
)

// foresee warns of what the app file asks for and the policy will not publish.
// It refuses nothing: what is built need not be published, nor by this policy.
func (b Baker) foresee(ctx context.Context, a app.App, targets []string) error {
	var warnings []string
	for _, kind := range targets {
		for _, r := range gate.Foreseen(a.Name, kind, *examine.AskedOf(a, kind), b.Policy, time.Now()) {
			for _, v := range r.Violations {
				warnings = append(warnings, "the policy lets this not be published: "+v.String())
			}
		}
	}
	if len(warnings) == 0 {
		return nil
	}
	slices.Sort(warnings)
	return progress.Run(ctx, "[policy] look ahead", func(_ context.Context, log io.Writer) error {
		for _, w := range slices.Compact(warnings) {
			if err := progress.Warn(log, w); err != nil {
				return err
			}
		}
		return nil
	})
}

// noteDockerfile shows what the app takes from its Dockerfile besides files,
// and what not.
func noteDockerfile(ctx context.Context, a app.App) error {
	for _, note := range []struct {
		word string
		all  []string
	}{{"take", a.Taken}, {"leave out", a.LeftOut}} {
		if len(note.all) == 0 {
			continue
		}
		if err := progress.From(ctx).Note(ctx, "["+a.Base.Dockerfile+"] "+note.word+" "+strings.Join(note.all, "; ")); err != nil {
			return err
		}
	}
	return nil
}
