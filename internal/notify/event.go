// Package notify tells a webhook of events: CloudEvents 1.0 in JSON, signed as
// Standard Webhooks says, attempted again where that may help, and never in the
// way of what it tells of. It reaches the one address that a setting names and
// follows no redirect. Flows say what happened; commands construct the Herald.
package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Types of events, as CloudEvents has them.
const (
	// UpdateFound: what is beneath an app has changed.
	UpdateFound = "dev.bakelite.update.found"
	// Rebuilt: an app was rebuilt, and published where that was asked for.
	Rebuilt = "dev.bakelite.app.rebuilt"
	// Failed: a rebuild failed; lock and published image are as they were.
	Failed = "dev.bakelite.app.failed"
	// LockTooOld: an app's lock was not current for longer than it may.
	LockTooOld = "dev.bakelite.lock.too-old"
	// Revoked: an image was revoked, or an app stands on one that is.
	Revoked = "dev.bakelite.image.revoked"
)

// Event is a CloudEvent in its structured mode.
type Event struct {
	SpecVersion string `json:"specversion"`
	// ID is the same for the same news, so that who receives it twice knows.
	ID string `json:"id"`
	// Source is the URI of who tells; the Herald knows it.
	Source string `json:"source"`
	Type   string `json:"type"`
	// Subject is an app's name, or an image by digest.
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Data            any       `json:"data"`
}

// New returns an event of a type about a subject. What of it makes it news is
// the key: the same key is the same event.
func New(kind, subject, key string, at time.Time, data any) Event {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", kind, subject, key))
	return Event{
		SpecVersion: "1.0", ID: hex.EncodeToString(sum[:16]), Type: kind, Subject: subject,
		Time: at.UTC().Truncate(time.Second), DataContentType: "application/json", Data: data,
	}
}
