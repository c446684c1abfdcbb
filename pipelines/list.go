package pipelines

import (
	"context"
	"fmt"
	"os"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan/protocol"
)

// list returns what the files of an artifact are, by path.
func (k Kitchen) list(ctx context.Context, name string) (map[string]string, error) {
	work, err := os.MkdirTemp("", "bakelite-list-*")
	if err != nil {
		return nil, fmt.Errorf("making work folder: %w", err)
	}
	defer os.RemoveAll(work)
	k.Policy = policy.Policy{} // the content itself, not its SBOM
	root, _, err := k.rootOf(ctx, name, work)
	if err != nil {
		return nil, err
	}
	files, err := k.Publisher.Scanner.List(ctx, []protocol.Root{root})
	if err != nil {
		return nil, err
	}
	return files[0], nil
}
