package channel

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/bakelite/bakelite/internal/fault"
)

// Head is a record with its own digest, by which the next one names it.
type Head struct {
	Record
	RecordDigest string
}

// Move is where a channel is to lead next, and why.
type Move struct {
	Channel, App, ArtifactKind string
	Digest, Version            string
	Reason                     string
	// Valid is how long the record holds, 0 for DefaultValid.
	Valid time.Duration
	Now   time.Time
}

// Next returns the record that moves a channel, after its last one or, where
// that is nil, as its first. To lead to what it led to before is a new record
// that holds for longer. What was revoked is a fault.Policy.
func Next(last *Head, m Move) (Record, error) {
	if m.Valid == 0 {
		m.Valid = DefaultValid
	}
	if err := m.check(last); err != nil {
		return Record{}, err
	}
	r := Record{
		APIVersion: APIVersion, Kind: RecordKind, Channel: m.Channel, App: m.App, ArtifactKind: m.ArtifactKind, Sequence: 1,
		Digest: m.Digest, Version: m.Version, Reason: m.Reason, At: second(m.Now), NotAfter: second(m.Now.Add(m.Valid)),
	}
	if last == nil {
		return r, nil
	}
	if v := last.revocation(m.Digest); v != nil {
		return Record{}, fault.New(fault.Policy, "%s can lead nowhere again: %s", m.Digest, v)
	}
	r.Sequence, r.Previous, r.Revoked = last.Sequence+1, last.RecordDigest, slices.Clone(last.Revoked)
	return r, nil
}

func (m Move) check(last *Head) error {
	if err := CheckName(m.Channel); err != nil {
		return err
	}
	if err := CheckReason(m.Reason); err != nil {
		return err
	}
	switch {
	case m.Valid < time.Hour || m.Valid > MaxValid:
		return fault.New(fault.Invalid, "a record holds for an hour at least and %d days at most", MaxValid/(24*time.Hour))
	case last == nil:
		return nil
	case last.App != m.App || last.ArtifactKind != m.ArtifactKind:
		return fault.Hint(fault.New(fault.Policy, "the channel %s is of the %s %q, and this is the %s %q", m.Channel, last.ArtifactKind, last.App, m.ArtifactKind, m.App),
			"channels belong to one repository, and a repository to one app")
	case second(m.Now).Before(last.At):
		return fault.Hint(fault.New(fault.Policy, "the channel's last record is from %s, and it is %s here", last.At.Format(time.RFC3339), second(m.Now).Format(time.RFC3339)), "set this machine's clock")
	}
	return nil
}

// Revoke returns the record after which readers of a channel refuse a digest.
// Where the channel leads to it, it leads to the replacement from now on;
// without one that is a fault.Policy, for a channel always leads somewhere.
func Revoke(last Head, v Revocation, m Move) (Record, error) {
	if last.Digest == v.Digest && v.Replacement == "" {
		return Record{}, fault.Hint(fault.New(fault.Policy, "the channel %s leads to %s, and nothing is named to run in its place", last.Channel, v.Digest),
			"name it with --replacement, or move the channel first: bakelite promote, or bakelite rollback")
	}
	m.Channel, m.App, m.ArtifactKind, m.Digest, m.Version, m.Reason = last.Channel, last.App, last.ArtifactKind, last.Digest, last.Version, v.Reason
	if last.Digest == v.Digest {
		m.Digest, m.Version = v.Replacement, ""
	}
	r, err := Next(&last, m)
	if err != nil || r.revocation(v.Digest) != nil {
		return r, err
	}
	if len(r.Revoked) >= maxRevoked {
		return r, fault.New(fault.Policy, "the channel %s lists %d revocations: no more have room", last.Channel, maxRevoked)
	}
	r.Revoked = append(r.Revoked, v)
	return r, nil
}

// NewRevocation revokes a digest; a reason is asked for.
func NewRevocation(digest, reason, replacement string, now time.Time) (Revocation, error) {
	v := Revocation{APIVersion: APIVersion, Kind: RevocationKind, Digest: digest, Reason: reason, Replacement: replacement, At: second(now)}
	if strings.TrimSpace(reason) == "" {
		return v, fault.Hint(fault.New(fault.Invalid, "a revocation says why"), "give --reason")
	}
	if replacement == digest {
		return v, fault.New(fault.Invalid, "%s cannot be run in its own place", digest)
	}
	if err := CheckReason(reason); err != nil {
		return v, err
	}
	return v, v.check()
}

// CheckReason refuses a reason that is no line of text: fault.Invalid.
func CheckReason(reason string) error {
	if len(reason) > maxReason || strings.ContainsFunc(reason, unicode.IsControl) {
		return fault.New(fault.Invalid, "a reason is one line of at most %d bytes", maxReason)
	}
	return nil
}

func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
