// Package channel holds the nouns of channels: a Record says where a name such
// as stable leads, as the next of a chain of signed records, and a Revocation
// that a digest is not to be run any more. It is pure: it makes the next record
// from the one before, and judges records, without a clock, a key or a
// registry. It refuses a record that goes back in its numbers, that leads to
// what was revoked, or that leads nowhere. publish/attest signs what it makes,
// and pipelines/channels keeps it in repositories.
package channel

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
)

const (
	// APIVersion is the version of the form of records.
	APIVersion = "bakelite.dev/v1"
	// RecordKind is the kind of a record.
	RecordKind = "Channel"
	// RevocationKind is the kind of a revocation.
	RevocationKind = "Revocation"
	// DefaultValid is how long a record holds where nobody says.
	DefaultValid = 30 * 24 * time.Hour
	// MaxValid bounds that, so that what a reader has to remember of a channel
	// ends.
	MaxValid = 90 * 24 * time.Hour
	// MaxRecord bounds a record, in bytes, maxRevoked what it lists.
	MaxRecord, maxRevoked = 1 << 20, 1000
	// maxReason bounds a reason, maxName the name of a channel, in bytes.
	maxReason, maxName = 1000, 40
	// skew is how far another machine's clock may be ahead.
	skew = 5 * time.Minute
)

// Record says where a channel leads.
type Record struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Channel is the name: "stable".
	Channel string `json:"channel"`
	// App and ArtifactKind are what the channel is of.
	App          string `json:"app"`
	ArtifactKind string `json:"artifactKind"`
	// Sequence counts from 1 and never goes back; Previous is the digest of the
	// record before, "" for the first.
	Sequence int64  `json:"sequence"`
	Previous string `json:"previous,omitempty"`
	// Digest is the artifact's, Version what it was published as.
	Digest  string `json:"digest"`
	Version string `json:"version,omitempty"`
	// Reason says why it was moved.
	Reason string `json:"reason,omitempty"`
	// At is when, NotAfter until when readers may go by it.
	At       time.Time `json:"at"`
	NotAfter time.Time `json:"notAfter"`
	// Revoked is all that was revoked since the channel began.
	Revoked []Revocation `json:"revoked,omitempty"`
}

// Revocation says that a digest is not to be run any more.
type Revocation struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Digest     string `json:"digest"`
	Reason     string `json:"reason"`
	// Replacement is the digest to run in its place, "" where none is named.
	Replacement string    `json:"replacement,omitempty"`
	At          time.Time `json:"at"`
}

// CheckName refuses what can be no channel: fault.Invalid.
func CheckName(name string) error {
	ok := name != "" && len(name) <= maxName && name[0] >= 'a' && name[0] <= 'z'
	for _, r := range name {
		ok = ok && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-')
	}
	switch {
	case !ok:
		return fault.Hint(fault.New(fault.Invalid, "%.80q can be no channel", name), "begin with a letter, then letters, digits and '-', at most %d, as in stable", maxName)
	case name == "latest":
		return fault.New(fault.Invalid, "latest is the tag that publish moves: give the channel another name")
	}
	return nil
}

// Parse reads a record; what is none is fault.Integrity. Keys of a later version
// are passed over.
func Parse(text []byte) (Record, error) {
	var r Record
	if len(text) > MaxRecord {
		return r, fault.New(fault.Integrity, "a channel's record has %d bytes, more than %d", len(text), MaxRecord)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fault.New(fault.Integrity, "reading a channel's record: %w", err)
	}
	var problems []string
	refuse := func(bad bool, why string) {
		if bad {
			problems = append(problems, why)
		}
	}
	refuse(r.APIVersion != APIVersion || r.Kind != RecordKind, "it is of another form")
	refuse(CheckName(r.Channel) != nil || r.App == "" || r.ArtifactKind == "", "it does not say of what it is")
	refuse(!digests.Valid(r.Digest), "it leads nowhere")
	refuse(r.Sequence < 1 || (r.Sequence == 1) != (r.Previous == ""), "its number does not fit the record before it")
	refuse(r.Previous != "" && !digests.Valid(r.Previous), "the record before it has no digest")
	refuse(r.At.IsZero() || !r.NotAfter.After(r.At) || r.NotAfter.Sub(r.At) > MaxValid, "it does not say until when it holds, or for too long")
	refuse(len(r.Revoked) > maxRevoked, "it revokes too much")
	for _, v := range r.Revoked {
		refuse(v.check() != nil, "something in it is no revocation")
	}
	refuse(r.revocation(r.Digest) != nil, "it leads to what it revokes")
	if len(problems) > 0 {
		return r, fault.New(fault.Integrity, "channel %.40q, record %d: %s", r.Channel, r.Sequence, strings.Join(problems, "; "))
	}
	return r, nil
}

// ParseRevocation reads a revocation; what is none is fault.Integrity.
func ParseRevocation(text []byte) (Revocation, error) {
	var v Revocation
	if err := json.Unmarshal(text, &v); err != nil {
		return v, fault.New(fault.Integrity, "reading a revocation: %w", err)
	}
	return v, v.check()
}

func (v Revocation) check() error {
	if v.APIVersion != APIVersion || v.Kind != RevocationKind || !digests.Valid(v.Digest) || v.At.IsZero() ||
		v.Replacement != "" && (!digests.Valid(v.Replacement) || v.Replacement == v.Digest) {
		return fault.New(fault.Integrity, "it is no revocation of this version")
	}
	return nil
}

// String says why something was revoked, and what to run in its place.
func (v Revocation) String() string {
	text := "it was revoked at " + v.At.UTC().Format(time.RFC3339) + ": " + v.Reason
	if v.Replacement != "" {
		text += "; in its place there is " + v.Replacement
	}
	return text
}

// revocation is that of a digest, nil where there is none.
func (r Record) revocation(digest string) *Revocation {
	for i := range r.Revoked {
		if r.Revoked[i].Digest == digest {
			return &r.Revoked[i]
		}
	}
	return nil
}
