package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/bakelite/bakelite/internal/vouch"
)

// Publication says what went where; APP.publication.json lists those of an app
// and is written last.
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
}

type publications struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"` // "Publication"
	App        string        `json:"app"`
	Published  []Publication `json:"published"`
}

// maxPublications bounds the record of an app, in bytes.
const maxPublications = 4 << 20

// PublicationPath is where what was published of an app is written down.
func (f Folder) PublicationPath(app string) string {
	return filepath.Join(f.Path, app+".publication.json")
}

// LastPublished lists what was published last of an app, where this state
// folder's key vouches for it.
func (f Folder) LastPublished(app string) []Publication {
	text, err := f.Vouch.ReadFile(vouch.Publication, f.PublicationPath(app), maxPublications)
	if err != nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var old publications
	if decoder.Decode(&old) != nil || old.APIVersion != APIVersion || old.App != app {
		return nil
	}
	return old.Published
}

// WritePublications writes down what was published of an app, and vouches for
// it.
func (f Folder) WritePublications(app string, all []Publication) error {
	path := f.PublicationPath(app)
	text, err := json.MarshalIndent(publications{APIVersion: APIVersion, Kind: "Publication", App: app, Published: all}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return f.Vouch.WriteFile(vouch.Publication, path, append(text, '\n'), 0o644)
}
