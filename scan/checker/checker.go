// Package checker is the child that checks controls: this program, started once
// more and shut in, where it reads an image or a disk that nobody trusts. It
// needs no scanner beside it. Commands that bake call Answer before anything
// else; scan/child starts what answers.
package checker

import (
	"context"
	"fmt"
	"os"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/content"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/controls/check"
	"github.com/bakelite/bakelite/scan/protocol"
	"github.com/bakelite/bakelite/scan/sandbox"
)

// Word is the argument by which a program is asked to check.
const Word = "check-shut-in"

// Answer checks and ends this process where it was started to do so.
func Answer() {
	switch {
	case sandbox.IsInner():
		os.Exit(sandbox.Inner(os.Stdin, os.Stdout, work)) //nolint:forbidigo // stands for main
	case len(os.Args) == 2 && os.Args[1] == Word:
		os.Exit(sandbox.Outer(os.Stdin, os.Stdout, os.Stderr)) //nolint:forbidigo // stands for main
	}
}

// work checks one root after the other.
func work(ctx context.Context, req protocol.Request, _ func(protocol.Entry) error) ([]protocol.Result, error) {
	if len(req.Checks) != len(req.Roots) {
		return nil, fault.New(fault.Invalid, "%d checks of %d roots", len(req.Checks), len(req.Roots))
	}
	var results []protocol.Result
	for i, root := range req.Roots {
		found, err := checked(ctx, root, req.Checks[i], req.Limits)
		if err != nil {
			return nil, fmt.Errorf("checking %s: %w", root.Name, err)
		}
		results = append(results, protocol.Result{Subject: root.Digest, Controls: found})
	}
	return results, nil
}

func checked(ctx context.Context, root protocol.Root, c protocol.Check, limits protocol.Limits) ([]controls.Result, error) {
	if root.Kind != protocol.Image && root.Kind != protocol.Disk {
		return nil, fault.New(fault.Invalid, "a root of the kind %q is not checked shut in", root.Kind)
	}
	a, err := content.Open(ctx, root, limits)
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Close() }()
	whole, err := a.Whole(ctx, check.Reads)
	if err != nil {
		return nil, err
	}
	s := check.Subject{Tree: whole}
	if read, ok := a.Cmdline(); ok {
		s.Cmdline = read
	}
	return check.Tree(ctx, s, c.Controls, c.Options)
}
