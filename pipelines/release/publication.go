package release

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/scan/database"
)

// key is the digest of everything that decides what is published and what is
// stated about it, but for times and for which key signs. What a setting names
// counts by its content.
func (p Publisher) key(ctx context.Context, subjects []subject, db database.Database, built *results.Built, o Options) (string, error) {
	scanner, err := p.Examiner.Scanner.Digest(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the scanner: %w", err)
	}
	key := []any{built.Key, scanner, built.TestsSkipped, p.Policy.Digest(), db.Digest, p.Destination, p.Origin, p.SignerName, o}
	for _, s := range subjects {
		key = append(key, s.digest(), s.repository)
	}
	text, err := json.Marshal(key)
	if err != nil {
		return "", fmt.Errorf("writing key: %w", err)
	}
	return digests.Of(text), nil
}

// published returns what was published before where it is all there still: the
// same key, content and bundles whole, every name leads to the same digest, and
// who would sign now has signed. An error is a signer that cannot be asked.
func (p Publisher) published(ctx context.Context, app, key string, subjects []subject) ([]results.Publication, error) {
	old := p.Folder.LastPublished(app)
	if len(old) != len(subjects) {
		return nil, nil
	}
	for i, last := range old {
		if last.Key != key || !p.isThere(ctx, subjects[i], last) {
			return nil, nil
		}
	}
	signer, err := p.signer(ctx)
	if err != nil {
		return nil, err
	}
	for _, last := range old {
		if made, err := signer.Made(last.Signer); err != nil || !made {
			return nil, err
		}
	}
	return old, nil
}

// isThere says whether all that was published of a subject still is.
func (p Publisher) isThere(ctx context.Context, s subject, last results.Publication) bool {
	store, _, err := registry.Open(s.repository, p.Registry)
	if err != nil || last.Repository != s.repository || last.Digest != s.digest() || !publish.Whole(ctx, store, s.content, last.Referrers) {
		return false
	}
	for _, tag := range last.Tags {
		if m, err := registry.Resolve(ctx, store, tag); err != nil || m.Digest.String() != last.Digest {
			return false
		}
	}
	for _, path := range s.besides() {
		if holds, err := p.Folder.Vouch.Holds(ctx, vouch.Publication, path, path); err != nil || !holds {
			return false
		}
	}
	return true
}
