package pipelines

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/policy/base"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/strict"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
)

// allowed judges what an app asks for while it is built, before anything is
// done for it.
func (k Kitchen) allowed(a app.App) error {
	var problems strict.Problems
	for i, s := range a.Steps {
		if s.Network && k.Policy.Build.Network == policy.Forbidden {
			problems = append(problems, strict.Problem{
				File: a.Path, Line: s.Place.Line, Column: s.Place.Column, Key: fmt.Sprintf("steps[%d].network", i), Message: "the policy forbids steps with a network",
			})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.Hint(fault.As(fault.Policy, problems), "name packages, copy files or images in their place, or change build.network in %s", cmp.Or(k.Policy.Path, "the policy"))
}

// trusted judges what an app stands on, by its lock, before a byte of it is
// used.
func (k Kitchen) trusted(ctx context.Context, a app.App, l *lock.Lock) error {
	var names []string
	for _, archive := range l.Archives {
		names = append(names, archive.Name)
	}
	if err := k.judgeArchives(a, names); err != nil {
		return err
	}
	if l.Base == nil {
		return nil
	}
	_, err := k.judgeBase(ctx, a, l.Base.Digest)
	return err
}

// judgeArchives judges the archives that an app's packages come from, by name.
func (k Kitchen) judgeArchives(a app.App, names []string) error {
	if err := base.JudgeArchives(names, k.Policy).Err(); err != nil {
		return fmt.Errorf("%s: %w", a.Path, err)
	}
	return nil
}

// judgeBase judges an app's base image by the name in its file, where that has
// no digest with the one given, and returns the digest to use.
func (k Kitchen) judgeBase(ctx context.Context, a app.App, digest string) (string, error) {
	ref := a.Base.Image
	if dir, ok := baseLayout(a); ok {
		ref = app.LayoutPrefix + dir + "@" + digest
	} else if !strings.Contains(ref, "@") && digest != "" && k.Policy.Bases.Images.AllowTags {
		ref += "@" + digest
	}
	pinned, err := k.judgeImage(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("%s: base.image: %w", a.Path, err)
	}
	_, digest, _ = strings.Cut(pinned, "@")
	return digest, nil
}

// judgeImage is the engine's judge of images: by name, digest, age and
// signature, as the policy asks. It returns the reference by digest.
func (k Kitchen) judgeImage(ctx context.Context, ref string) (string, error) {
	d := base.Judge(ref, k.Policy)
	if err := d.Err(); err != nil {
		return "", err
	}
	images := k.Policy.Bases.Images
	known := len(images.SignedBy) == 0 && images.MaxAge == 0
	name, digest, _ := strings.Cut(d.Ref, "@")
	if known && digest != "" {
		return d.Ref, nil
	}
	store, at, err := registry.Open(d.Ref, k.Registry)
	if err != nil {
		return "", err
	}
	image, err := registry.Resolve(ctx, store, at)
	if err != nil {
		return "", fmt.Errorf("looking at base %s: %w", d.Ref, err)
	}
	if !known {
		facts, err := k.facts(ctx, store, image)
		if err != nil {
			return "", fmt.Errorf("looking at base %s: %w", d.Ref, err)
		}
		if err := base.JudgeFacts(d, facts, k.Policy, time.Now()).Err(); err != nil {
			return "", err
		}
	}
	return name + "@" + image.Digest.String(), nil
}

// judgeLocked is judgeImage for a build: where tags are allowed, those of the
// lock are what they were when it was made, and there are no others.
func (k Kitchen) judgeLocked(l *lock.Lock) engine.JudgeImage {
	return func(ctx context.Context, ref string) (string, error) {
		if !strings.Contains(ref, "@") && k.Policy.Bases.Images.AllowTags {
			digest := l.Image(ref)
			if digest == "" {
				return "", fault.Hint(fault.New(fault.Invalid, "%s is not among the images of the lock", ref), "run: bakelite lock")
			}
			ref += "@" + digest
		}
		return k.judgeImage(ctx, ref)
	}
}

// facts reads what the policy asks of an image beyond its name.
func (k Kitchen) facts(ctx context.Context, store registry.Store, image registry.Manifest) (base.Facts, error) {
	var f base.Facts
	var err error
	if k.Policy.Bases.Images.MaxAge > 0 {
		if f.Created, err = created(ctx, store, image); err != nil {
			return f, err
		}
	}
	if len(k.Policy.Bases.Images.SignedBy) == 0 {
		return f, nil
	}
	bundles, _, err := publish.ReadBundles(ctx, store, image.Digest)
	if err != nil {
		return f, err
	}
	revoked, err := attest.Revoked(ctx, bundles, attest.Want{
		Digest: image.Digest.String(), Signers: slices.Concat(k.Policy.Bases.Images.SignedBy, k.Policy.Verify.ReleasedBy), Dir: k.Policy.Dir, TUF: k.TUF, Now: time.Now(),
	})
	if err == nil && len(revoked) > 0 {
		err = fault.Hint(fault.New(fault.Policy, "%s: %s", image.Digest, strings.Join(revoked, "; ")), "choose another base")
	}
	if err != nil {
		return f, err
	}
	classic, err := publish.ClassicSignatures(ctx, store, image.Digest)
	if err != nil {
		return f, err
	}
	for _, signer := range k.Policy.Bases.Images.SignedBy {
		_, err := attest.VerifyImage(ctx, bundles, classic, attest.Want{
			Digest: image.Digest.String(), Signers: []policy.Signer{signer}, Dir: k.Policy.Dir, TUF: k.TUF, Now: time.Now(),
		})
		switch fault.KindOf(err) {
		case fault.Policy, fault.Integrity: // not by this one
			continue
		}
		if err != nil {
			return f, err
		}
		f.Signed = append(f.Signed, signer)
	}
	return f, nil
}

// created returns the date in an image's configuration; for an index that of
// the first image that it names.
func created(ctx context.Context, store registry.Store, m registry.Manifest) (time.Time, error) {
	var document struct {
		Config    registry.Descriptor   `json:"config"`
		Manifests []registry.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(m.Content, &document); err != nil {
		return time.Time{}, fault.New(fault.Integrity, "reading manifest: %w", err)
	}
	if len(document.Manifests) > 0 {
		first, err := store.Manifest(ctx, document.Manifests[0].Digest.String())
		if err != nil {
			return time.Time{}, err
		}
		if err := json.Unmarshal(first.Content, &document); err != nil {
			return time.Time{}, fault.New(fault.Integrity, "reading manifest: %w", err)
		}
	}
	blob, err := store.Blob(ctx, document.Config)
	if err != nil {
		return time.Time{}, err
	}
	defer blob.Close()
	text, err := limit.ReadAll(blob, maxReceipt, "an image's configuration")
	if err != nil {
		return time.Time{}, fault.As(fault.Integrity, err)
	}
	var config struct {
		Created time.Time `json:"created"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return time.Time{}, fault.New(fault.Integrity, "reading an image's configuration: %w", err)
	}
	return config.Created, nil
}
