package pin

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/policy/base"
	"github.com/bakelite/bakelite/internal/strict"
)

// Allowed judges what an app asks for while it is built, before anything is
// done for it.
func (l Locker) Allowed(a app.App) error {
	var problems strict.Problems
	for i, s := range a.Steps {
		if s.Network && l.Policy.Build.Network == policy.Forbidden {
			problems = append(problems, strict.Problem{
				File: a.Path, Line: s.Place.Line, Column: s.Place.Column, Key: fmt.Sprintf("steps[%d].network", i), Message: "the policy forbids steps with a network",
			})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.Hint(fault.As(fault.Policy, problems), "name packages, copy files or images in their place, or change build.network in %s", cmp.Or(l.Policy.Path, "the policy"))
}

// Trusted judges what an app stands on, by its lock, before a byte of it is
// used.
func (l Locker) Trusted(ctx context.Context, a app.App, made *lock.Lock) error {
	var names []string
	for _, archive := range made.Archives {
		names = append(names, archive.Name)
	}
	if err := l.judgeArchives(a, names); err != nil {
		return err
	}
	if made.Base == nil {
		return nil
	}
	_, err := l.judgeBase(ctx, a, made.Base.Digest)
	return err
}

// judgeArchives judges the archives that an app's packages come from, by name.
func (l Locker) judgeArchives(a app.App, names []string) error {
	if err := base.JudgeArchives(names, l.Policy).Err(); err != nil {
		return fmt.Errorf("%s: %w", a.Path, err)
	}
	return nil
}

// judgeBase judges an app's base image by the name in its file, where that has
// no digest with the one given, and returns the digest to use.
func (l Locker) judgeBase(ctx context.Context, a app.App, digest string) (string, error) {
	ref := a.Base.Image
	if dir, ok := baseLayout(a); ok {
		ref = app.LayoutPrefix + dir + "@" + digest
	} else if !strings.Contains(ref, "@") && digest != "" && l.Policy.Bases.Images.AllowTags {
		ref += "@" + digest
	}
	pinned, err := l.Judge(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("%s: base.image: %w", a.Path, err)
	}
	_, digest, _ = strings.Cut(pinned, "@")
	return digest, nil
}

// JudgeLocked is Judge for a build: where tags are allowed, those of the
// lock are what they were when it was made, and there are no others.
func (l Locker) JudgeLocked(made *lock.Lock) engine.JudgeImage {
	return func(ctx context.Context, ref string) (string, error) {
		if !strings.Contains(ref, "@") && l.Policy.Bases.Images.AllowTags {
			digest := made.Image(ref)
			if digest == "" {
				return "", fault.Hint(fault.New(fault.Invalid, "%s is not among the images of the lock", ref), "run: bakelite lock")
			}
			ref += "@" + digest
		}
		return l.Judge(ctx, ref)
	}
}
