package pipelines

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bakelite/bakelite/builders/container"
	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/scan/controls"
)

// check asks each hardening control whether it holds in what was made.
func (w *work) check(ctx context.Context, kind string) ([]controls.Result, error) {
	dir, err := os.MkdirTemp(w.dir, "check-")
	if err != nil {
		return nil, fmt.Errorf("making work folder: %w", err)
	}
	defer os.RemoveAll(dir)
	script := w.kitchen.Controls.CheckScript(kind)
	if kind == artifact.Disk {
		err = w.disk().Check(ctx, script, dir)
	} else {
		err = container.Check(ctx, w.graph, w.source, script, dir)
	}
	if err != nil {
		return nil, w.named(err)
	}
	printed, err := regular.Open(filepath.Join(dir, rootfs.Printed))
	if err != nil {
		return nil, fmt.Errorf("reading results: %w", err)
	}
	defer printed.Close()
	return w.kitchen.Controls.Results(kind, printed)
}
