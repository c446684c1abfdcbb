//go:build goexperiment.jsonv2

package main

import (
	"context"

	"github.com/bakelite/bakelite/scan/protocol"
	"github.com/bakelite/bakelite/scan/trivy"
)

// work lists or scans.
func work(ctx context.Context, req protocol.Request, keep func(protocol.Entry) error) ([]protocol.Result, error) {
	if req.List {
		return trivy.List(ctx, req)
	}
	return trivy.Scan(ctx, req, keep)
}
