package compose

import (
	"context"
	"io"
	"runtime"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/pipelines"
)

// few has tests wait for each other, however many apps are baked at once.
type few struct {
	tester pipelines.Tester
	slots  chan struct{}
}

// fewAtOnce lets half as many machines run as there are processors: each has
// two, and where it is emulated it needs them.
func fewAtOnce(t pipelines.Tester) few {
	return few{t, make(chan struct{}, max(1, runtime.NumCPU()/2))}
}

func (f few) Test(ctx context.Context, a app.App, made artifact.Artifact, log io.Writer) (pipelines.Tested, error) {
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return pipelines.Tested{}, ctx.Err()
	}
	defer func() { <-f.slots }()
	return f.tester.Test(ctx, a, made, log)
}
