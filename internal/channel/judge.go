package channel

import (
	"fmt"
	"time"
)

// Seen is the last record of a channel that a reader went by; zero for none.
type Seen struct {
	Sequence     int64
	RecordDigest string
}

// Asked is what a reader asks of a record.
type Asked struct {
	// Channel, App and ArtifactKind are what it must be of; App and ArtifactKind
	// may be empty.
	Channel, App, ArtifactKind string
	// Digest is what it must lead to, "" for anything.
	Digest string
	Seen   Seen
	Now    time.Time
}

// Judge says why a reader does not go by a record, all reasons at once.
func (h Head) Judge(a Asked) []string {
	var all []string
	add := func(bad bool, format string, args ...any) {
		if bad {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	add(h.Channel != a.Channel, "the record is of the channel %q, not %q", h.Channel, a.Channel)
	add(a.App != "" && h.App != a.App || a.ArtifactKind != "" && h.ArtifactKind != a.ArtifactKind,
		"the record is of the %s %q, not of the %s %q", h.ArtifactKind, h.App, a.ArtifactKind, a.App)
	add(h.At.After(a.Now.Add(skew)), "the record is from %s, which is yet to come", h.At.Format(time.RFC3339))
	add(!h.NotAfter.After(a.Now), "the record held until %s: ask who keeps the channel for a newer one", h.NotAfter.Format(time.RFC3339))
	add(h.Sequence < a.Seen.Sequence, "record %d of the channel %s is older than record %d, which was seen before: a stale mirror or a rollback attack", h.Sequence, h.Channel, a.Seen.Sequence)
	add(h.Sequence == a.Seen.Sequence && h.RecordDigest != a.Seen.RecordDigest, "record %d of the channel %s is not the one that was seen before: somebody signed two", h.Sequence, h.Channel)
	if v := h.revocation(a.Digest); v != nil {
		add(true, "%s", v)
	} else {
		add(a.Digest != "" && h.Digest != a.Digest, "the channel %s leads to %s, not to %s", h.Channel, h.Digest, a.Digest)
	}
	return all
}

// Revocation says why a digest was revoked, nil where it was not.
func (h Head) Revocation(digest string) *Revocation { return h.revocation(digest) }
