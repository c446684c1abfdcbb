package pipelines

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/scan/database"
)

// Publication says what went where; dist/APP.publication.json lists those of
// an app and is written last.
type Publication struct {
	// Kind is container or disk.
	Kind       string `json:"kind"`
	Repository string `json:"repository"`
	// Ref names the artifact by digest, Digest is its manifest's.
	Ref    string `json:"ref"`
	Digest string `json:"digest"`
	// Tags lead to it.
	Tags []string `json:"tags"`
	// Referrers are the digests of what was signed about it and counts, now or
	// before.
	Referrers []string `json:"referrers"`
	// Signer is the key or identity that signed.
	Signer string `json:"signer"`
	// Verdict is the gate's outcome: "passed", or "reported" where the policy
	// only reports.
	Verdict string `json:"verdict"`
	// Uploaded and Skipped are bytes that were sent and that were there.
	Uploaded int64 `json:"uploaded"`
	Skipped  int64 `json:"skipped"`
	// Judged is when the gate let it through, At when it had its names, in UTC.
	Judged time.Time `json:"judged,omitzero"`
	At     time.Time `json:"at"`
	// Key is the digest of all that decides what is published and stated.
	Key string `json:"key"`
	// Again says that all of it was there already.
	Again bool `json:"-"`
}

type publications struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"` // "Publication"
	App        string        `json:"app"`
	Published  []Publication `json:"published"`
}

func (k Kitchen) publicationPath(app string) string {
	return filepath.Join(k.Output, app+".publication.json")
}

// publicationKey is the digest of everything that decides what is published
// and what is stated about it, but for times and for which key signs. What a
// setting names counts by its content.
func (k Kitchen) publicationKey(ctx context.Context, subjects []subject, db database.Database, built *Built, o PublishOptions) (string, error) {
	scanner, err := k.Publisher.Scanner.Digest(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the scanner: %w", err)
	}
	key := []any{built.Key, scanner, built.TestsSkipped, k.Policy.Digest(), db.Digest, k.Publisher.Destination, k.Publisher.Origin, k.Publisher.SignerName, o}
	for _, s := range subjects {
		key = append(key, s.digest(), s.repository)
	}
	text, err := json.Marshal(key)
	if err != nil {
		return "", fmt.Errorf("writing key: %w", err)
	}
	return digestOf(text), nil
}

func digestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// published returns what was published before where it is all there still: the
// same key, content and bundles whole, every name leads to the same digest, and
// who would sign now has signed. An error is a signer that cannot be asked.
func (k Kitchen) published(ctx context.Context, app, key string, subjects []subject) ([]Publication, error) {
	old := k.lastPublished(app)
	if len(old) != len(subjects) {
		return nil, nil
	}
	for i, p := range old {
		if p.Key != key || !k.stands(ctx, subjects[i], p) {
			return nil, nil
		}
		old[i].Again = true
	}
	signer, err := k.signer(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range old {
		if made, err := signer.Made(p.Signer); err != nil || !made {
			return nil, err
		}
	}
	return old, nil
}

// lastPublished is the list of what was published last, where this state
// folder's key vouches for it.
func (k Kitchen) lastPublished(app string) []Publication {
	text, err := k.Vouch.ReadFile(vouch.Publication, k.publicationPath(app), maxReceipt)
	if err != nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var old publications
	if decoder.Decode(&old) != nil || old.APIVersion != receiptVersion || old.App != app {
		return nil
	}
	return old.Published
}

// stands says whether all that was published of a subject is there.
func (k Kitchen) stands(ctx context.Context, s subject, p Publication) bool {
	store, _, err := registry.Open(s.repository, k.Registry)
	if err != nil || p.Repository != s.repository || p.Digest != s.digest() || !publish.Whole(ctx, store, s.content, p.Referrers) {
		return false
	}
	for _, tag := range p.Tags {
		if m, err := registry.Resolve(ctx, store, tag); err != nil || m.Digest.String() != p.Digest {
			return false
		}
	}
	for _, path := range s.besides() {
		if holds, err := k.Vouch.Holds(ctx, vouch.Publication, path, path); err != nil || !holds {
			return false
		}
	}
	return true
}

func (k Kitchen) writePublications(app string, all []Publication) error {
	path := k.publicationPath(app)
	text, err := json.MarshalIndent(publications{APIVersion: receiptVersion, Kind: "Publication", App: app, Published: all}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return k.Vouch.WriteFile(vouch.Publication, path, append(text, '\n'), 0o644)
}

func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return writeFile(path, append(text, '\n'))
}

// writeFile writes beside and renames.
func writeFile(path string, text []byte) error {
	if err := renameio.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
