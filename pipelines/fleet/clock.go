package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/pipelines/results"
)

const (
	// maxClock bounds a record, in bytes, maxFixes what it holds: two years of
	// an app of 200 packages.
	maxClock = 64 << 20
	maxFixes = 20_000
)

func clockPath(output, app string) string { return filepath.Join(output, app+".clock.json") }

// Clock reads an app's record in the folder of results; where there is none it
// is empty. One for which the key does not vouch is fault.Policy, what is no
// record of this version fault.Invalid.
func (f Fleet) Clock(name string) (update.Clock, error) {
	path := clockPath(f.Folder.Path, name)
	text, err := f.Folder.Vouch.ReadFile(vouch.Clock, path, maxClock)
	if errors.Is(err, fs.ErrNotExist) {
		return update.Clock{APIVersion: update.ClockVersion, Kind: update.ClockKind, App: name}, nil
	}
	var c update.Clock
	if err != nil {
		return c, fault.Hint(fault.As(fault.Invalid, fmt.Errorf("reading how long fixes took: %w", err)), newClock)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil || c.APIVersion != update.ClockVersion || c.Kind != update.ClockKind || c.App != name {
		return c, fault.Hint(fault.New(fault.Invalid, "%s is not a clock of this version of Bakelite", path), newClock)
	}
	return c, nil
}

const newClock = "move it away: the next rebuild begins a new one"

// record adds what of a plan reached the published images to the app's clock,
// and states it about them.
func (f Fleet) record(ctx context.Context, p update.Planned, built *results.Built) error {
	fixes := fixesOf(p, built, f.Now().UTC().Truncate(time.Second))
	if len(fixes) == 0 {
		return nil
	}
	c, err := f.ours(p.App)
	if err != nil {
		return err
	}
	for _, fix := range fixes {
		same := func(known update.Fix) bool {
			return known.Package == fix.Package && known.To == fix.To && known.Kind == fix.Kind
		}
		if !slices.ContainsFunc(c.Fixes, same) { // the first time counts
			c.Fixes = append(c.Fixes, fix)
		}
	}
	c.Fixes = c.Fixes[max(0, len(c.Fixes)-maxFixes):]
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the clock: %w", err)
	}
	if err := f.Folder.Vouch.WriteFile(vouch.Clock, clockPath(f.Folder.Path, p.App), append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the clock: %w", err)
	}
	if f.Notary == nil {
		return nil
	}
	return f.Notary.State(ctx, p.App, built.Published, fixes, f.Now())
}

// ours is Clock, which sets aside what this state folder did not write.
func (f Fleet) ours(name string) (update.Clock, error) {
	c, err := f.Clock(name)
	if !errors.Is(err, vouch.ErrForeign) {
		return c, err
	}
	path := clockPath(f.Folder.Path, name)
	if err := os.Rename(path, path+".foreign"); err != nil {
		return c, fmt.Errorf("setting aside what others wrote: %w", err)
	}
	return f.Clock(name)
}

// fixesOf are the packages of a plan that a publication brought, once for each
// image.
func fixesOf(p update.Planned, built *results.Built, now time.Time) []update.Fix {
	taken := map[string]string{}
	for _, c := range built.Changes {
		taken[c.Package] = c.To
	}
	var all []update.Fix
	for _, published := range built.Published {
		for _, c := range p.Changes {
			if c.Kind != update.Package || c.From == "" || taken[c.Name] != c.To || !slices.Contains(c.In, published.Kind) {
				continue
			}
			all = append(all, update.Fix{
				Package: c.Name, From: c.From, To: c.To, Suite: c.Suite, Kind: published.Kind, Artifact: published.Ref, Advisories: c.Fixes,
				Archive: c.Since, Seen: c.Seen, Built: built.Made.UTC().Truncate(time.Second), Passed: passed(built, now), Published: published.At,
			})
		}
	}
	return all
}

// passed is when the gate had let the images through: it is asked right before
// they are sent.
func passed(built *results.Built, now time.Time) time.Time {
	at := now
	for _, p := range built.Published {
		if !p.Judged.IsZero() && p.Judged.Before(at) {
			at = p.Judged
		}
	}
	return at
}
