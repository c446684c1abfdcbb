package look

import (
	"context"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
)

// Asked is what is asked of a target beside the policy; what is zero is not.
type Asked struct {
	// App and Kind are what it must be, in place of what its name says.
	App, Kind string
	// MinVersion is the least version that it was published as, Since the time
	// that it must not be made before.
	MinVersion string
	Since      time.Time
}

// Verify asks of a target what the policy asks of what is run.
func (r Reader) Verify(ctx context.Context, t Target, asked Asked) (attest.Summary, error) {
	if t.Path != "" && len(t.Bundles) == 0 {
		return attest.Summary{}, fault.Hint(fault.New(fault.Policy, "%s is not signed: there is no %s", t.Path, t.Path+results.BundlesSuffix),
			"fetch it with the disk, or verify the disk by its reference")
	}
	if len(t.Bundles) == 0 {
		return attest.Summary{}, fault.Hint(fault.New(fault.Policy, "there is no signature of %s, nor any other statement: nothing is attached to it", t.Name),
			"where it is a copy, copy what is attached too, as oras copy --recursive does, or verify it where it was published")
	}
	if err := t.whole(ctx); err != nil {
		return attest.Summary{}, err
	}
	return attest.VerifyAll(ctx, t.Bundles, attest.All{
		Digest: t.Digest, File: t.File, Unread: t.Unread, Names: r.names(t, asked), MinVersion: asked.MinVersion, Since: asked.Since, Verify: r.Policy.Verify, Dir: r.Policy.Dir, TUF: r.TUF,
		AcceptReported: r.Policy.Gate.Mode == "report-only", Now: time.Now(),
	})
}

// names are what a target may be: what was asked for, or what its name says.
func (r Reader) names(t Target, asked Asked) []attest.Name {
	switch {
	case asked.App != "":
		return []attest.Name{{App: asked.App, Kind: asked.Kind}}
	case r.Policy.Verify.AnyName && asked.Kind != "":
		return []attest.Name{{Kind: asked.Kind}}
	case r.Policy.Verify.AnyName:
		return nil
	}
	var names []attest.Name
	for _, n := range t.names() {
		if asked.Kind == "" || asked.Kind == n.Kind {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		names = []attest.Name{{App: t.names()[0].App, Kind: asked.Kind}}
	}
	return names
}

// names are what the last part of a target's name may say. Publishing gives
// an app's disk a repository whose name ends as that of an app may.
func (t Target) names() []attest.Name {
	if t.Path != "" {
		app, _, _ := strings.Cut(filepath.Base(t.Path), ".")
		return []attest.Name{{App: app, Kind: artifact.Disk}}
	}
	repository := strings.TrimPrefix(t.Name, registry.LayoutPrefix)
	if at := strings.LastIndex(repository, "@"); at >= 0 {
		repository = repository[:at]
	}
	last := path.Base(repository)
	names := []attest.Name{{App: last, Kind: artifact.Container}}
	for _, suffix := range []string{publish.DiskSuffix, publish.ContainerDiskSuffix} {
		if app, ok := strings.CutSuffix(last, suffix); ok && app != "" {
			names = append(names, attest.Name{App: app, Kind: artifact.Disk})
		}
	}
	return names
}
