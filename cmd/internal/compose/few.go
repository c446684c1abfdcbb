package compose

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sync/semaphore"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/results"
)

const (
	// usualMemory is what a machine has whose app does not say, and
	// aroundMachine what its emulator takes beside that, in bytes.
	usualMemory   = 512 << 20
	aroundMachine = 256 << 20
)

// few has tests of machines wait for each other, however many apps are baked
// at once.
type few struct {
	tester   bake.Tester
	machines *semaphore.Weighted
	memory   *semaphore.Weighted
	// bytes is all of memory.
	bytes int64
}

// fewAtOnce lets so many machines run as are asked for, and by default half as
// many as there are processors: each has two, and where it is emulated it
// needs them. Together they take no more than bytes, unless one alone does.
func fewAtOnce(t bake.Tester, machines int, bytes int64) few {
	if machines <= 0 {
		machines = max(1, runtime.NumCPU()/2)
	}
	return few{t, semaphore.NewWeighted(int64(machines)), semaphore.NewWeighted(bytes), bytes}
}

func (f few) Test(ctx context.Context, a app.App, made artifact.Artifact, log io.Writer) (results.Tested, error) {
	needs := min(f.bytes, cmp.Or(int64(a.VM.Memory), usualMemory)+aroundMachine)
	if err := f.machines.Acquire(ctx, 1); err != nil {
		return results.Tested{}, err
	}
	defer f.machines.Release(1)
	if err := f.memory.Acquire(ctx, needs); err != nil {
		return results.Tested{}, err
	}
	defer f.memory.Release(needs)
	return f.tester.Test(ctx, a, made, log)
}

// machineMemory is what machines may take of this one's memory, in bytes: three
// quarters of what is free for new programs, which bakes share with them.
func machineMemory() int64 {
	const unknown = 4 << 30
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return unknown
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib int64
		if _, err := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kib); err == nil {
			return max(1, kib<<10/4*3)
		}
	}
	return unknown
}
