package channels

import (
	"context"
	"encoding/json"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
)

// Lineage is what something came from and what stands on it.
type Lineage struct {
	Name    string `json:"name"`
	App     string `json:"app,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Version string `json:"version,omitempty"`
	// Refused are the reasons for which verify refuses it, a revocation among
	// them; what is stated is then shown as far as somebody trusted signed it.
	Refused []string `json:"refused,omitempty"`
	// Lock is the digest of the lock, Base the image that it stands on, Archives
	// the indexes, Source and Commit where its app file is from.
	Lock     string         `json:"lock,omitempty"`
	Base     *lock.Image    `json:"base,omitempty"`
	Archives []lock.Archive `json:"archives,omitempty"`
	Source   string         `json:"source,omitempty"`
	Built    time.Time      `json:"built,omitzero"`
	Channels []Standing     `json:"channels,omitempty"`
	Apps     []Child        `json:"apps,omitempty"`
}

// Standing is where one channel stands to a digest.
type Standing struct {
	Channel  string    `json:"channel"`
	Sequence int64     `json:"sequence"`
	Digest   string    `json:"digest"`
	Version  string    `json:"version,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	At       time.Time `json:"at"`
	NotAfter time.Time `json:"notAfter"`
	Signer   string    `json:"signer"`
	// Leads says that the channel leads to it now; Led are the records that did.
	Leads bool    `json:"leads"`
	Led   []int64 `json:"led,omitempty"`
	// Before is what the channel led to before it, and After what followed.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Lineage says what a reference came from, which channels led to it, and which
// of some apps stand on it.
func (f Flow) Lineage(ctx context.Context, ref string, apps []app.App) (Lineage, error) {
	t, err := f.find(ctx, ref)
	if err != nil {
		return Lineage{}, err
	}
	s, err := f.Look.Verify(ctx, t, look.Asked{})
	all := Lineage{Name: t.Name, App: s.App, Kind: s.Kind, Version: s.Version, Refused: s.Reasons}
	if err != nil && len(s.Reasons) == 0 {
		all.Refused = []string{err.Error()}
	}
	l, err := lockOf(s)
	if err != nil {
		return all, err
	}
	if l != nil {
		all.Lock, all.Base, all.Archives = l.Digest(), l.Base, l.Archives
	}
	all.made(s)
	if all.Channels, err = f.standings(ctx, t.Store, t.Digest); err != nil {
		return all, err
	}
	all.Apps = children(apps, repositoryOf(t), []string{t.Digest}, nil)
	return all, nil
}

func (l *Lineage) made(s attest.Summary) {
	for _, v := range s.Statements {
		var p intoto.Provenance
		if v.PredicateType == intoto.ProvenanceType && json.Unmarshal(v.Predicate, &p) == nil {
			l.Source, l.Built = p.SourceURI(), p.RunDetails.Metadata.FinishedOn
		}
	}
}

// Standings says where each channel of a repository leads.
func (f Flow) Standings(ctx context.Context, repository string) ([]Standing, error) {
	store, _, err := registry.Open(repository, f.Registry)
	if err != nil {
		return nil, err
	}
	return f.standings(ctx, store, "")
}

func (f Flow) standings(ctx context.Context, s registry.Reader, digest string) ([]Standing, error) {
	var all []Standing
	for _, name := range f.Channels {
		last, err := f.last(ctx, s, name)
		if err != nil {
			return nil, err
		}
		if last == nil {
			continue
		}
		records, err := f.history(ctx, s, last)
		if err != nil {
			return nil, err
		}
		all = append(all, standing(records, digest))
	}
	return all, nil
}

// standing is that of a channel to a digest, from records that begin with the
// newest.
func standing(records []Signed, digest string) Standing {
	now := records[0]
	s := Standing{
		Channel: now.Channel, Sequence: now.Sequence, Digest: now.Digest, Version: now.Version, Reason: now.Reason, At: now.At, NotAfter: now.NotAfter,
		Signer: now.Signer.String(), Leads: now.Digest == digest,
	}
	for i, r := range records {
		if r.Digest != digest {
			continue
		}
		s.Led = append(s.Led, r.Sequence)
		if i > 0 && records[i-1].Digest != digest && s.After == "" {
			s.After = records[i-1].Digest
		}
		if i+1 < len(records) && records[i+1].Digest != digest && s.Before == "" {
			s.Before = records[i+1].Digest
		}
	}
	return s
}

// Record returns the newest record of a channel as it was signed, for readers
// without a registry.
func (f Flow) Record(ctx context.Context, repository, name string) ([]byte, error) {
	store, _, err := registry.Open(repository, f.Registry)
	if err != nil {
		return nil, err
	}
	r, err := f.newest(ctx, store, Asked{Channel: name})
	if err != nil {
		return nil, err
	}
	return r.Bundle, nil
}
