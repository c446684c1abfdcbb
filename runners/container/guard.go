package container

import (
	"context"
	"fmt"
	"os"

	"github.com/bakelite/bakelite/internal/program"
)

// guardScript waits for a line on its input. Where the input ends without
// one, it removes the container: runc, state folder, container and bundle are
// its arguments.
const guardScript = `read -r line || { "$1" --root "$2" delete --force "$3"; rm -rf -- "$4"; rmdir /sys/fs/cgroup/"$3" /sys/fs/cgroup/*/"$3"; } >/dev/null 2>&1`

// guard starts a shell that outlives this program and removes the container
// where this program was killed: with it the kernel ends runc, but not what
// runc has started. Dismiss ends the shell; nothing is left for it to do then.
func (r *Running) guard(ctx context.Context) (dismiss func(), err error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting the container's guard: %w", err)
	}
	defer reader.Close()
	guard, err := program.Start(context.WithoutCancel(ctx), program.Command{
		Path: "/bin/sh", Args: []string{"-c", guardScript, "guard", r.runc, r.state, r.ID, r.bundle},
		Stdin: reader, Outlive: true,
	})
	if err != nil {
		writer.Close()
		return nil, fmt.Errorf("starting the container's guard: %w", err)
	}
	return func() {
		_, _ = writer.WriteString("\n")
		writer.Close()
		<-guard.Done()
	}, nil
}
