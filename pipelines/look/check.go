package look

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/controls/check"
	"github.com/bakelite/bakelite/scan/gate"
	"github.com/bakelite/bakelite/scan/protocol"
	"github.com/bakelite/bakelite/scan/tree"
)

// Host is the target that stands for this machine.
const Host = "host"

// CheckOptions say what a target of Check is meant to be.
type CheckOptions struct {
	// As is the kind of artifact that a folder is checked as, a container by
	// default.
	As string
	// Level is the highest of the controls to check, 1 or 2.
	Level int
	// Admin is the account that may log in, "" for none.
	Admin string
	// Ports are those of this machine that others may reach, as "22/tcp".
	Ports []string
}

// Checked is which controls hold in a target.
type Checked struct {
	// Target is as it was named, Kind a container or a disk.
	Target string `json:"target"`
	Kind   string `json:"kind"`
	// Digest is that of an image's manifest, "" where nothing has one.
	Digest  string            `json:"digest,omitempty"`
	Score   controls.Score    `json:"score"`
	Results []controls.Result `json:"results"`
	// Rule is what the policy says of the results.
	Rule gate.Rule `json:"rule"`
}

// Check checks hardening controls on something that is there already, whoever
// made it: this machine (Host), a folder with a system in it, a disk file, a
// layout folder, or a reference. Images and disks are read shut in; this
// machine and folders are read by the kernel. It changes nothing.
func (r Reader) Check(ctx context.Context, target string, o CheckOptions) (Checked, error) {
	c := Checked{Target: target, Kind: o.As}
	path, err := filepath.Abs(target)
	if err != nil {
		return c, fmt.Errorf("finding %s: %w", target, err)
	}
	info, err := os.Stat(path)
	switch {
	case target == Host:
		c.Kind = artifact.Disk
		c.Results, err = r.checkFolder(ctx, "/", c.Kind, o)
	case err == nil && info.IsDir() && !isLayout(path):
		c.Results, err = r.checkFolder(ctx, path, c.Kind, o)
	case err == nil && info.Mode().IsRegular() && strings.HasSuffix(path, ".tar"):
		return c, fault.Hint(fault.New(fault.Invalid, "%s is an archive, which is not checked as it is", target),
			"check the layout folder that it was made of, or unpack it into an empty folder and check that")
	case err == nil && info.Mode().IsRegular():
		err = r.checkRoot(ctx, &c, protocol.Root{Name: target, Kind: protocol.Disk, Path: path}, o)
	default:
		err = r.checkTarget(ctx, &c, o)
	}
	if err != nil {
		return c, err
	}
	c.Score = controls.ScoreOf(c.Results)
	c.Rule = gate.Hardening(gate.Input{App: target, Hardening: c.Results, Policy: r.Policy, Now: time.Now()})
	return c, nil
}

// Err is nil unless the policy asks for more; else it is of kind Policy and
// says what.
func (c Checked) Err() error {
	if c.Rule.Outcome != gate.Fail {
		return nil
	}
	return gate.Verdict{App: c.Target, ArtifactKind: c.Kind, Rules: []gate.Rule{c.Rule}, Outcome: gate.OutcomeFailed}.Err()
}

// checkFolder checks what the kernel shows.
func (r Reader) checkFolder(ctx context.Context, dir, kind string, o CheckOptions) ([]controls.Result, error) {
	return progress.Do(ctx, "[check] read "+dir, func(ctx context.Context, _ io.Writer) ([]controls.Result, error) {
		t, err := tree.OpenFolder(dir)
		if err != nil {
			return nil, fault.As(fault.Missing, fmt.Errorf("opening folder: %w", err))
		}
		defer t.Close()
		return check.Tree(ctx, check.Subject{Tree: t, Running: dir == "/"}, r.Examiner.Controls.UpTo(kind, o.Level), check.Options{Admin: o.Admin, Ports: o.Ports})
	})
}

func (r Reader) checkTarget(ctx context.Context, c *Checked, o CheckOptions) error {
	t, err := r.Find(ctx, c.Target)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "bakelite-check-*")
	if err != nil {
		return fmt.Errorf("making work folder: %w", err)
	}
	defer os.RemoveAll(work)
	root, err := r.fetched(ctx, t, t.kind(), work)
	if err != nil {
		return err
	}
	return r.checkRoot(ctx, c, root, o)
}

func (r Reader) checkRoot(ctx context.Context, c *Checked, root protocol.Root, o CheckOptions) error {
	c.Kind, c.Digest = examine.KindOf(root), root.Digest
	asked := protocol.Check{Controls: r.Examiner.Controls.UpTo(c.Kind, o.Level), Options: check.Options{Admin: o.Admin}}
	return progress.Run(ctx, "[check] read "+root.Kind, func(ctx context.Context, _ io.Writer) error {
		found, err := r.Examiner.Checker.Check(ctx, []protocol.Root{root}, []protocol.Check{asked})
		if err == nil {
			c.Results = found[0]
		}
		return err
	})
}
