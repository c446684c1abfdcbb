//go:build goexperiment.jsonv2

package trivy

import (
	"context"
	"fmt"

	"github.com/bakelite/bakelite/scan/content"
	"github.com/bakelite/bakelite/scan/protocol"
)

// List reads the files of each root, without a look at what they are.
func List(ctx context.Context, req protocol.Request) ([]protocol.Result, error) {
	var results []protocol.Result
	for _, root := range req.Roots {
		files, err := listRoot(ctx, root, req.Limits)
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", root.Name, err)
		}
		results = append(results, protocol.Result{Files: files})
	}
	return results, nil
}

func listRoot(ctx context.Context, root protocol.Root, limits protocol.Limits) (map[string]string, error) {
	a, err := content.Open(ctx, root, limits)
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Close() }()
	return content.List(ctx, a)
}
