package compose

import (
	"context"
	"io"
	"testing"
	"testing/synctest"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/pipelines/results"
)

// held is a test that lasts until it is let go.
type held struct{ began, end chan struct{} }

func (h held) Test(context.Context, app.App, artifact.Artifact, io.Writer) (results.Tested, error) {
	h.began <- struct{}{}
	<-h.end
	return results.Tested{}, nil
}

// TestMachinesWait begins four tests of machines and counts those that run.
func TestMachinesWait(t *testing.T) {
	const gib = 1 << 30
	for name, test := range map[string]struct {
		machines int
		bytes    int64
		each     units.Size
		want     int
	}{
		"as many as are asked for":      {3, 100 * gib, gib, 3},
		"as many as the memory allows":  {4, 3 * gib, gib, 2},
		"those that do not say":         {4, 2*usualMemory + 2*aroundMachine, 0, 2},
		"one that is too large, alone":  {4, gib, 2 * gib, 1},
		"one at least of what is small": {4, 1, gib, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := held{make(chan struct{}, 4), make(chan struct{})}
				f := fewAtOnce(h, test.machines, test.bytes)
				done := make(chan error, 4)
				for range 4 {
					go func() {
						_, err := f.Test(t.Context(), app.App{VM: app.VM{Memory: test.each}}, artifact.Artifact{}, io.Discard)
						done <- err
					}()
				}
				synctest.Wait()
				if n := len(h.began); n != test.want {
					t.Errorf("%d run at once, want %d", n, test.want)
				}
				close(h.end)
				for range 4 {
					if err := <-done; err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}
