package look

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/policy/base"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
)

// JudgeImage is the engine's judge of images: by name, digest, age and
// signature, as the policy asks. It returns the reference by digest.
func (r Reader) JudgeImage(ctx context.Context, ref string) (string, error) {
	d := base.Judge(ref, r.Policy)
	if err := d.Err(); err != nil {
		return "", err
	}
	images := r.Policy.Bases.Images
	known := len(images.SignedBy) == 0 && images.MaxAge == 0
	name, digest, _ := strings.Cut(d.Ref, "@")
	if known && digest != "" {
		return d.Ref, nil
	}
	store, at, err := registry.Open(d.Ref, r.Registry)
	if err != nil {
		return "", err
	}
	image, err := registry.Resolve(ctx, store, at)
	if err != nil {
		return "", fmt.Errorf("looking at base %s: %w", d.Ref, err)
	}
	if !known {
		facts, err := r.facts(ctx, store, image)
		if err != nil {
			return "", fmt.Errorf("looking at base %s: %w", d.Ref, err)
		}
		if err := base.JudgeFacts(d, facts, r.Policy, time.Now()).Err(); err != nil {
			return "", err
		}
	}
	return name + "@" + image.Digest.String(), nil
}

// facts reads what the policy asks of an image beyond its name.
func (r Reader) facts(ctx context.Context, store registry.Store, image registry.Manifest) (base.Facts, error) {
	var f base.Facts
	var err error
	if r.Policy.Bases.Images.MaxAge > 0 {
		if f.Created, err = created(ctx, store, image); err != nil {
			return f, err
		}
	}
	if len(r.Policy.Bases.Images.SignedBy) == 0 {
		return f, nil
	}
	bundles, _, err := publish.ReadBundles(ctx, store, image.Digest)
	if err != nil {
		return f, err
	}
	revoked, err := attest.Revoked(ctx, bundles, attest.Want{
		Digest: image.Digest.String(), Signers: slices.Concat(r.Policy.Bases.Images.SignedBy, r.Policy.Verify.ReleasedBy), Dir: r.Policy.Dir, TUF: r.TUF, Now: time.Now(),
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
	for _, signer := range r.Policy.Bases.Images.SignedBy {
		_, err := attest.VerifyImage(ctx, bundles, classic, attest.Want{
			Digest: image.Digest.String(), Signers: []policy.Signer{signer}, Dir: r.Policy.Dir, TUF: r.TUF, Now: time.Now(),
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

// maxConfig bounds an image's configuration, in bytes.
const maxConfig = 4 << 20

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
	text, err := limit.ReadAll(blob, maxConfig, "an image's configuration")
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
