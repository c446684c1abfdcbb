package child

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/protocol"
)

// Checker starts this program anew for each request, shut in, to check images
// and disks; the zero value is ready where this program's main function calls
// checker.Answer.
type Checker struct {
	// Word is the argument that the program answers to: checker.Word.
	Word string
	// Limits bound the child.
	Limits Limits
}

// Check returns the results of one check for each root, in their order, each
// of the bytes that the root's digest names. Errors: Missing where a file is
// missing or namespaces are refused, Integrity for content that cannot be
// trusted, Internal for a child that misbehaves.
func (c Checker) Check(ctx context.Context, roots []protocol.Root, checks []protocol.Check) ([][]controls.Result, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fault.As(fault.Internal, fmt.Errorf("finding this program: %w", err))
	}
	s := Scanner{Limits: c.Limits, arguments: []string{c.Word}}
	w, err := s.wire(Request{Roots: roots, Now: time.Now()})
	if err != nil {
		return nil, fmt.Errorf("preparing check: %w", err)
	}
	w.Checks = checks
	text, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("preparing check: %w", err)
	}
	answer, err := s.run(ctx, self, text)
	if err != nil {
		return nil, fmt.Errorf("checking: %w", err)
	}
	results, _, err := readAnswer(answer, w)
	if err != nil {
		return nil, fmt.Errorf("checking: %w", err)
	}
	all := make([][]controls.Result, len(results))
	for i, r := range results {
		all[i] = r.Controls
	}
	return all, nil
}

// completed refuses results of checks that are not those asked for.
func completed(r protocol.Response, req protocol.Request) ([]protocol.Result, error) {
	for i, result := range r.Results {
		if result.Subject != req.Roots[i].Digest {
			return nil, fault.New(fault.Integrity, "the check of %s is of %.100q", req.Roots[i].Name, result.Subject)
		}
		if err := controls.Complete(result.Controls, req.Checks[i].Controls); err != nil {
			return nil, fmt.Errorf("checking %s: %w", req.Roots[i].Name, err)
		}
	}
	return r.Results, nil
}
