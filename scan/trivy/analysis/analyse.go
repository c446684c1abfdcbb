//go:build goexperiment.jsonv2

package analysis

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"

	"github.com/aquasecurity/trivy/pkg/fanal/analyzer"
	"github.com/aquasecurity/trivy/pkg/fanal/artifact"
	"github.com/aquasecurity/trivy/pkg/fanal/handler"
	"github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/semaphore"
	xio "github.com/aquasecurity/trivy/pkg/x/io"
	"golang.org/x/sync/errgroup"

	_ "github.com/aquasecurity/trivy/pkg/fanal/analyzer/all" // registers the analysers
	_ "github.com/aquasecurity/trivy/pkg/fanal/handler/all"  // registers what settles their results

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/content"
	"github.com/bakelite/bakelite/scan/protocol"
	"github.com/bakelite/bakelite/scan/secrets"
)

// Engine analyses trees with Trivy's analysers. It remembers what it found in a
// file, and is for one request.
type Engine struct {
	group    analyzer.AnalyzerGroup
	config   analyzer.ConfigAnalyzerGroup
	handlers handler.Manager
	options  artifact.Option
	memo     *memo
	entries  entries
	secrets  *secrets.Scanner
	// known has the SHA-256 of packed files that packages brought.
	known map[string]bool
}

// disabled are the analysers that `trivy image` and `trivy rootfs` leave out
// by default; what is scanned are built artifacts, not sources. Secrets are
// looked for in every file, by rules.go.
func disabled() []analyzer.Type {
	return slices.Concat(analyzer.TypeLockfiles, analyzer.TypeConfigFiles, []analyzer.Type{
		analyzer.TypeApkCommand, analyzer.TypeLicenseFile, analyzer.TypeHistoryDockerfile,
		analyzer.TypeExecutable, analyzer.TypeRpmArchive, analyzer.TypeSecret,
	})
}

// Options say whose analysis it is, and what becomes of it.
type Options struct {
	// Version is Trivy's; an entry of another one is not believed.
	Version string
	// Keep is handed what was found in a tree that has a name, before the next
	// tree is read; nil keeps nothing.
	Keep func(protocol.Entry) error
	// Untouched has the SHA-256, in hexadecimal, of packed files that packages
	// brought: they are not unpacked.
	Untouched []string
}

// New makes the analysers. An error is Trivy's, and this program's fault.
func New(o Options) (*Engine, error) {
	options := artifact.Option{
		DisabledAnalyzers: disabled(), Parallel: runtime.GOMAXPROCS(0), NoProgress: true, Offline: true,
		FileChecksum: true, DetectionPriority: types.PriorityPrecise,
	}
	group, err := analyzer.NewAnalyzerGroup(options.AnalyzerOptions())
	if err != nil {
		return nil, fmt.Errorf("making analysers: %w", err)
	}
	config, err := analyzer.NewConfigAnalyzerGroup(options.ConfigAnalyzerOptions())
	if err != nil {
		return nil, fmt.Errorf("making analysers: %w", err)
	}
	handlers, err := handler.NewManager(options)
	if err != nil {
		return nil, fmt.Errorf("making analysers: %w", err)
	}
	e := &Engine{
		group: group, config: config, handlers: handlers, options: options, memo: newMemo(),
		secrets: secrets.New(secrets.Limits{}, rules()...), known: map[string]bool{},
	}
	for _, sum := range o.Untouched {
		e.known[sum] = true
	}
	e.entries = entries{keep: o.Keep, left: protocol.MaxEntries}
	e.entries.maker, err = e.maker(o.Version)
	return e, err
}

func (e *Engine) analysis() analyzer.AnalysisOptions {
	return analyzer.AnalysisOptions{Offline: true, FileChecksum: e.options.FileChecksum}
}

// walk analyses one tree. Before is the distribution of the trees below it.
func (e *Engine) walk(ctx context.Context, tree content.Tree, before types.OS) (types.BlobInfo, error) {
	composite, err := e.group.PostAnalyzerFS()
	if err != nil {
		return types.BlobInfo{}, fmt.Errorf("making folder for analysis: %w", err)
	}
	defer func() { _ = composite.Cleanup() }()
	w := newWalk(ctx, e, composite)
	removed, walkErr := tree.Walk(w.ctx, w.visit)
	// The first analyser that fails ends the walk, and is then its cause.
	if err := w.wait(); err != nil && (walkErr == nil || errors.Is(walkErr, context.Canceled)) {
		return types.BlobInfo{}, err
	}
	if walkErr != nil {
		return types.BlobInfo{}, walkErr
	}
	if err := w.claims.settle(); err != nil {
		return types.BlobInfo{}, err
	}
	if err := e.group.PostAnalyze(ctx, composite, w.result, e.analysis()); err != nil {
		return types.BlobInfo{}, fault.As(fault.Integrity, fmt.Errorf("reading package lists: %w", err))
	}
	before.Merge(w.result.OS)
	w.release(before)
	w.result.Sort()
	blob := blobOf(w.result)
	blob.Size = removed.Bytes
	blob.OpaqueDirs, blob.WhiteoutFiles = removed.OpaqueDirs, removed.Files
	if err := e.handlers.PostHandle(ctx, w.result, &blob); err != nil {
		return types.BlobInfo{}, fmt.Errorf("settling analysis: %w", err)
	}
	return blob, w.complete(blob)
}

func blobOf(r *analyzer.AnalysisResult) types.BlobInfo {
	return types.BlobInfo{
		SchemaVersion: types.BlobJSONSchemaVersion, OS: r.OS, Repository: r.Repository, PackageInfos: r.PackageInfos,
		Applications: r.Applications, Misconfigurations: r.Misconfigurations, Secrets: r.Secrets, Licenses: r.Licenses,
		CustomResources: r.CustomResources, BuildInfo: r.BuildInfo,
	}
}

// wanted says whether any analyser would open a file: each is offered one
// that it may not open.
func (e *Engine) wanted(f content.File) (bool, error) {
	asked := false
	refuse := func() (xio.ReadSeekCloserAt, error) {
		asked = true
		return nil, fs.ErrPermission
	}
	// Nothing is started, as nothing could be opened.
	var none errgroup.Group
	err := e.group.AnalyzeFile(context.Background(), &none, semaphore.New(1), nil, "", f.Path, f.Info, refuse, nil, e.analysis())
	return asked, err
}

// file analyses one file.
func (e *Engine) file(ctx context.Context, f content.File, open analyzer.Opener) (*analyzer.AnalysisResult, error) {
	result := analyzer.NewAnalysisResult()
	group, ctx := errgroup.WithContext(ctx)
	err := e.group.AnalyzeFile(ctx, group, semaphore.New(e.options.Parallel), result, "", f.Path, f.Info, open, nil, e.analysis())
	if err := errors.Join(group.Wait(), err); err != nil {
		return nil, fmt.Errorf("analysing %s: %w", f.Path, err)
	}
	claimed(f.Path, result)
	return result, nil
}
