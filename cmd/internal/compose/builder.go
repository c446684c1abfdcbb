package compose

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/bakelite/bakelite/builders/container"
	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/builders/vm"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/artifact"
)

// OpenEngine is engine.Open, for the commands: an engine that it starts
// outlives this program, so it may keep nothing open that the caller passed
// down. Packer passes on the pipes of its own output, and whoever reads them
// would wait until the engine ends; make passes on those of its job server.
func OpenEngine(ctx context.Context, o engine.Options) (*engine.Engine, error) {
	if err := keepDescriptors(); err != nil {
		return nil, err
	}
	return engine.Open(ctx, o)
}

// firstOther is the first file descriptor after the standard ones.
const firstOther = 3

// keepDescriptors keeps what this program was started with, other than the
// standard descriptors, from the programs that it starts. What Go opens is
// kept from them already.
func keepDescriptors() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("listing file descriptors: %w", err)
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd >= firstOther {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}

// buildKit is an engine at work, as the flows ask for it.
type buildKit struct{ engine *engine.Engine }

// openBuildKit opens the engine that the settings ask for.
func openBuildKit(ctx context.Context, s *settings.Settings) (buildKit, error) {
	e, err := OpenEngine(ctx, EngineOptions(s))
	return buildKit{e}, err
}

func (b buildKit) Image(ctx context.Context, g rootfs.Graph, s engine.Session, layout string) ([]artifact.Artifact, error) {
	s.Engine = b.engine
	return container.Build(ctx, g, s, layout)
}

func (b buildKit) Disk(ctx context.Context, o vm.Order) ([]artifact.Artifact, error) {
	o.Session.Engine = b.engine
	return vm.Drive(ctx, o)
}

func (b buildKit) ReadBase(ctx context.Context, g rootfs.Graph, s engine.Session, dir string) error {
	s.Engine = b.engine
	return container.ReadBase(ctx, g, s, dir)
}

func (b buildKit) JudgeDockerfile(ctx context.Context, s engine.Session, folder, name string, bases []string) error {
	s.Engine = b.engine
	return s.JudgeDockerfile(ctx, folder, name, bases)
}

func (b buildKit) Close() error { return b.engine.Close() }
