package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/session"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/fault"
)

// Session is an engine with what a build brings to it.
type Session struct {
	Engine   *Engine
	Progress *progress.Display
	// Locals are the folders of this machine that graphs read, by name.
	Locals map[string]string
	// Unseen are the paths in a folder of Locals that no graph sees, by its
	// name.
	Unseen map[string][]string
	// Layouts are the OCI layout folders that graphs read, by name.
	Layouts map[string]string
	// Judge decides about every image that a solve fetches; nil, where a graph
	// fetches none, lets it fetch packages by their digests alone.
	Judge JudgeImage
	// Caches belong to this build; nil, where steps have none, refuses them.
	Caches *Caches
}

// Job is one graph to solve and where its result goes: Image or Dir. With
// neither of them nothing is run: the images that the graph names are judged,
// and that is all.
type Job struct {
	// Graph returns what to solve; it may build a Dockerfile on the way.
	Graph func(ctx context.Context, b Dockerfiles) (llb.State, error)
	// Image exports an OCI image into a layout's blobs.
	Image *Image
	// Dir is a folder of this machine that receives the result's files.
	Dir string
	// Name says what is exported, for the display: "the disk's root". By
	// default it is "the image" or "the files".
	Name string
}

func (j Job) name() string {
	switch {
	case j.Name != "":
		return j.Name
	case j.Image != nil:
		return "the image"
	}
	return "the files"
}

// Image says what an exported image is, apart from its filesystem.
type Image struct {
	// Config returns the image's configuration in the form of the OCI image
	// spec; it may read files of the image, of at most readLimit bytes.
	Config func(read ReadFile) ([]byte, error)
	// Annotations are those of the manifest.
	Annotations map[string]string
	// Layout is the OCI layout folder that receives the blobs.
	Layout string
	// Epoch is the creation time, in seconds since 1970.
	Epoch int64
}

// maxSolves bounds how often a job is solved that met the end of another build.
const maxSolves = 3

// Solve solves a job and returns the digest of the manifest, where it made an
// image.
func (s Session) Solve(ctx context.Context, j Job) (digest string, err error) {
	for range maxSolves {
		digest, err = s.solve(ctx, j)
		if err == nil || ctx.Err() != nil || !metAnEnd(err) {
			break
		}
	}
	return digest, err
}

// metAnEnd says whether the engine read a layout from the session of another
// build, as it may where both read it at the same time, and that build ended.
// BuildKit refuses to dial a session again in these words.
func metAnEnd(err error) bool { return strings.Contains(err.Error(), "only one connection allowed") }

func (s Session) solve(ctx context.Context, j Job) (string, error) {
	opt, err := s.options(j)
	if err != nil {
		return "", err
	}
	w := &work{session: s, job: j, judged: &sources{judge: s.Judge}}
	if s.Judge != nil {
		opt.SourcePolicyProvider = w.judged.provider()
	}
	updates := make(chan *client.SolveStatus)
	group, solving := errgroup.WithContext(ctx)
	group.Go(func() error { s.Progress.Follow(updates, j.name()); return nil })
	var response *client.SolveResponse
	group.Go(func() (err error) {
		response, err = s.Engine.client.Build(solving, opt, "bakelite", w.build, updates)
		return err
	})
	if err := group.Wait(); err != nil {
		if refused := cmp.Or(w.judged.refusal(), w.refused); refused != nil {
			return "", refused
		}
		return "", classify(err, failure{s.Progress.Failure(err), missingSource(ctx, err, w.definition)})
	}
	return response.ExporterResponse[exptypes.ExporterImageDigestKey], nil
}

// work is a job while it is solved.
type work struct {
	session    Session
	job        Job
	judged     *sources
	definition *llb.Definition
	// refused is why we ourselves refuse the graph.
	refused error
}

// build makes the graph, judges it, has it solved, and counts that whatever it
// fetched was judged. Of an error the engine brings back the words alone, so
// what was classified here is kept.
func (w *work) build(ctx context.Context, gw gateway.Client) (result *gateway.Result, err error) {
	defer func() {
		if known := (*fault.Error)(nil); errors.As(err, &known) {
			w.refused = err
		}
	}()
	if err := w.judged.askable(w.session.Engine, gw); err != nil {
		return nil, err
	}
	state, err := w.job.Graph(ctx, gatewayFrontend{gw, w.session})
	if err != nil {
		return nil, err
	}
	if w.definition, err = state.Marshal(ctx); err != nil {
		return nil, fmt.Errorf("writing build graph: %w", err)
	}
	found, err := readDefinition(w.definition)
	if err != nil {
		return nil, err
	}
	if w.job.Image == nil && w.job.Dir == "" {
		return gateway.NewResult(), w.judged.counted(found.sources)
	}
	if err := w.session.admit(ctx, found); err != nil {
		return nil, err
	}
	if result, err = gw.Solve(ctx, gateway.SolveRequest{Evaluate: true, Definition: w.definition.ToPB()}); err != nil {
		return nil, err
	}
	if w.job.Image != nil {
		if err := w.job.Image.describe(ctx, result); err != nil {
			return nil, err
		}
	}
	return result, w.judged.counted(found.sources)
}

// admit judges the steps of a graph before one of them runs.
func (s Session) admit(ctx context.Context, found contents) error {
	for _, step := range found.steps {
		if step.networked() {
			if err := s.Engine.allowsNetwork(ctx); err != nil {
				return fmt.Errorf("step %q asks for a network: %w", step.name, err)
			}
		}
		if err := s.Caches.admit(step); err != nil {
			return err
		}
	}
	return nil
}

func (s Session) options(j Job) (client.SolveOpt, error) {
	opt := client.SolveOpt{
		LocalMounts: map[string]fsutil.FS{}, OCIStores: map[string]content.Store{}, Session: []session.Attachable{credentials()},
	}
	for name, dir := range s.Locals {
		fs, err := fsutil.NewFS(dir)
		if err != nil {
			return opt, fmt.Errorf("reading folder %s: %w", dir, err)
		}
		if opt.LocalMounts[name], err = without(s.Unseen[name], fs); err != nil {
			return opt, fmt.Errorf("reading folder %s: %w", dir, err)
		}
	}
	for name, dir := range s.Layouts {
		store, err := local.NewStore(dir)
		if err != nil {
			return opt, fmt.Errorf("opening layout %s: %w", dir, err)
		}
		opt.OCIStores[name] = store
	}
	switch {
	case j.Dir != "":
		opt.Exports = []client.ExportEntry{{Type: client.ExporterLocal, OutputDir: j.Dir}}
		return opt, nil
	case j.Image == nil:
		return opt, nil
	}
	if err := os.MkdirAll(j.Image.Layout, 0o755); err != nil {
		return opt, fmt.Errorf("making layout folder: %w", err)
	}
	store, err := local.NewStore(j.Image.Layout)
	if err != nil {
		return opt, fmt.Errorf("opening layout %s: %w", j.Image.Layout, err)
	}
	attrs := map[string]string{
		"tar": "false", "oci-mediatypes": "true", "compression": "gzip",
		"source-date-epoch": fmt.Sprint(j.Image.Epoch),
	}
	for key, value := range j.Image.Annotations {
		attrs["annotation."+key] = value
	}
	opt.Exports = []client.ExportEntry{{Type: client.ExporterOCI, Attrs: attrs, OutputStore: store}}
	return opt, nil
}

// without leaves files and folders out of fs, and of modes all that no lock
// counts: folders are 0755, files 0755 or 0644.
func without(unseen []string, fs fsutil.FS) (fsutil.FS, error) {
	return fsutil.NewFilterFS(fs, &fsutil.FilterOpt{Map: func(path string, s *types.Stat) fsutil.MapResult {
		mode := os.FileMode(s.Mode)
		switch hidden := slices.Contains(unseen, path); {
		case hidden && s.IsDir():
			return fsutil.MapResultSkipDir
		case hidden:
			return fsutil.MapResultExclude
		case s.IsDir() || mode.IsRegular() && mode&0o111 != 0:
			s.Mode = uint32(mode.Type() | 0o755)
		case mode.IsRegular():
			s.Mode = 0o644
		}
		return fsutil.MapResultKeep
	}})
}
