package look

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/shell"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/report"
)

// catalogueLevel is the highest level of controls, all of which have a title.
const catalogueLevel = 2

// Report is a page of what is stated about an artifact, and of what changed
// since an earlier one where since names one. Where nothing is stated it is a
// fault.Missing.
func (r Reader) Report(ctx context.Context, name, since string) (report.Page, error) {
	i, err := r.inspectNamed(ctx, name)
	if err != nil {
		return report.Page{}, err
	}
	if i.Report == nil && i.Tests == nil && i.Verdict == nil {
		return report.Page{}, fault.Hint(fault.New(fault.Missing, "nothing is stated about %s", name),
			"report on what bakelite publish published, or on the app: bakelite report APP")
	}
	f := statedFacts(i)
	if f.Changes, err = r.changesSince(ctx, since, i); err != nil {
		return report.Page{}, err
	}
	app := f.Kind
	if i.Verdict != nil {
		app = i.Verdict.App
	}
	return report.New(app, []report.Facts{f}, r.catalogue(f.Kind)), nil
}

func (r Reader) inspectNamed(ctx context.Context, name string) (Inspected, error) {
	t, err := r.Find(ctx, name)
	if err != nil {
		return Inspected{}, err
	}
	return r.Inspect(ctx, t)
}

func (r Reader) catalogue(kind string) []controls.Control {
	return r.Examiner.Controls.UpTo(kind, catalogueLevel)
}

// ReportBuilt is a page of what the newest build of an app made, by the receipt
// and what was judged since, as far as this state folder's key vouches for
// them; l is the app's lock, nil where there is none. An earlier artifact is
// compared with the one of its kind.
func (r Reader) ReportBuilt(ctx context.Context, folder results.Folder, app, path string, l *lock.Lock, since string) (report.Page, error) {
	receipt, err := folder.Receipt(app)
	if err != nil {
		return report.Page{}, fault.Hint(err, "run: bakelite build %s", shell.Quote(path))
	}
	_, foreign := folder.Vouched(app)
	var all []report.Facts
	var catalogue []controls.Control
	for _, kind := range receipt.Kinds() {
		f, i := builtFacts(folder, receipt, kind, path, l)
		if foreign {
			f.Trust = report.Trust{Reasons: append(f.Trust.Reasons, "the receipt was not written with this state folder")}
		}
		if f.Changes, err = r.changesSince(ctx, since, i); err != nil {
			return report.Page{}, err
		}
		all = append(all, f)
		catalogue = append(catalogue, r.catalogue(kind)...)
	}
	return report.New(app, all, catalogue), nil
}

// builtFacts are what is known of one kind of artifact that was built.
func builtFacts(folder results.Folder, receipt results.Receipt, kind, path string, l *lock.Lock) (report.Facts, Inspected) {
	tested, isTested := receipt.Tests[kind]
	f := report.Facts{
		Kind: kind, Trust: report.Trust{Verified: true, By: []string{"the key of this state folder"}},
		Built: &report.Built{Bakelite: receipt.Bakelite, Lock: receipt.LockDigest, Started: receipt.Started, Finished: receipt.Made},
		Tests: []report.Test{}, TestsSkipped: !isTested, BootSeconds: tested.BootSeconds, MemoryBytes: tested.MemoryBytes,
		Controls: controls.Merge(tested.Hardening, tested.Booted),
		Verify:   []string{"bakelite publish " + shell.Quote(path)}, Run: runningApp(kind, path),
	}
	for _, t := range tested.Results {
		f.Tests = append(f.Tests, report.Test{Name: t.Name, Passed: t.Passed, Seconds: t.Seconds, Detail: t.Detail})
	}
	i := slices.IndexFunc(receipt.Artifacts, func(a artifact.Artifact) bool { return a.Kind == kind })
	made := receipt.Artifacts[i]
	f.Name, f.Digest = cmp.Or(made.Ref, made.Path), made.Digest
	judged, err := folder.ReadJudged(receipt, kind)
	switch {
	case err == nil:
		f.Scan, f.Verdict = &judged.Report, &judged.Verdict
	case !errors.Is(err, fs.ErrNotExist):
		f.Trust.Reasons = append(f.Trust.Reasons, err.Error())
	}
	if l != nil && l.Digest() == receipt.LockDigest {
		f.Sizes = sizesOf(*l, kind, f.Scan)
	}
	return f, Inspected{Name: f.Name, Verified: true, Report: f.Scan, Tests: &intoto.Tests{Hardening: intoto.StatedControls(f.Controls)}}
}

func runningApp(kind, path string) []string {
	if kind == artifact.Disk {
		return []string{"bakelite boot " + shell.Quote(path)}
	}
	return []string{"bakelite run " + shell.Quote(path), "bakelite profile --for docker " + shell.Quote(path)}
}

// statedFacts are what is stated about an artifact.
func statedFacts(i Inspected) report.Facts {
	f := report.Facts{
		Name: i.Name, Kind: "artifact", Digest: i.Digest, Trust: report.Trust{Verified: i.Verified, By: i.Signers, Reasons: i.Reasons},
		Scan: i.Report, Verdict: i.Verdict, Tests: []report.Test{}, Verify: []string{"bakelite verify " + shell.Quote(i.Name)}, Run: []string{},
	}
	if i.Report != nil {
		f.Kind = i.Report.ArtifactKind
	}
	if p := i.Provenance; p != nil {
		f.Built = &report.Built{
			By: p.RunDetails.Builder.ID, Bakelite: p.RunDetails.Builder.Version["bakelite"], Source: p.SourceURI(),
			Release: p.BuildDefinition.ExternalParameters.Version, Lock: p.BuildDefinition.InternalParameters.Lock,
			Started: p.RunDetails.Metadata.StartedOn, Finished: p.RunDetails.Metadata.FinishedOn, Inputs: len(p.BuildDefinition.ResolvedDependencies),
		}
	}
	if t := i.Tests; t != nil {
		f.TestsSkipped, f.Controls = t.Skipped, t.Controls()
		for _, r := range t.Results {
			f.Tests = append(f.Tests, report.Test{Name: r.Name, Passed: r.Passed, Seconds: r.Seconds, Detail: r.Message})
		}
	}
	if l, err := intoto.StatedLock(i.Lock); err == nil {
		f.Sizes = sizesOf(l, f.Kind, i.Report)
	}
	if f.Kind == artifact.Container && !strings.HasPrefix(i.Name, "oci:") {
		f.Run = []string{"docker run --read-only --cap-drop ALL --security-opt no-new-privileges " + shell.Quote(i.Name),
			"the app's own profile: bakelite profile --for docker APP"}
	}
	return f
}

// sizesOf are those of the packages that a lock put into a kind of artifact,
// as the archive has them: of those that the scanner found, where it says.
func sizesOf(l lock.Lock, kind string, seen *scan.Report) []report.Size {
	bytes := map[[2]string]int64{}
	for _, layer := range [][]lock.Pin{l.Packages.Base, l.Packages.App, l.Packages.Machine, l.Packages.MachineApp} {
		for _, p := range layer {
			bytes[[2]string{p.Name, p.Version}] = p.Size
		}
	}
	var all []report.Size
	for _, p := range l.Holds(kind) {
		if seen == nil || slices.ContainsFunc(seen.Packages, func(s scan.Package) bool { return s.Name == p.Name && s.Version == p.Version }) {
			all = append(all, report.Size{Package: p.Name, Bytes: bytes[[2]string{p.Name, p.Version}]})
		}
	}
	slices.SortStableFunc(all, func(a, b report.Size) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Package, b.Package))
	})
	return all
}

// changesSince compares an artifact with an earlier one, which may be of
// another kind only where the kind is not known.
func (r Reader) changesSince(ctx context.Context, since string, now Inspected) (*report.Changes, error) {
	if since == "" {
		return nil, nil
	}
	earlier, err := r.inspectNamed(ctx, since)
	if err != nil {
		return nil, fmt.Errorf("looking at the earlier version: %w", err)
	}
	if earlier.Report != nil && now.Report != nil && earlier.Report.ArtifactKind != now.Report.ArtifactKind {
		return nil, nil
	}
	d := Compare(earlier, now, nil, nil)
	return &report.Changes{
		Since: earlier.Name, Verified: earlier.Verified, Packages: changed(d.Packages), Findings: changed(d.Findings), Controls: changed(d.Controls),
	}, nil
}

func changed(all []Differs) []report.Change {
	made := []report.Change{}
	for _, d := range all {
		made = append(made, report.Change{Name: d.Name, From: d.A, To: d.B})
	}
	return made
}
