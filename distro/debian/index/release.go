package index

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/bakelite/bakelite/distro/debian/content"
	"github.com/bakelite/bakelite/distro/debian/control"
)

const (
	// MaxInRelease bounds a signed index, in bytes; trixie's has 140 KiB.
	MaxInRelease = 4 << 20
	// MaxPackages bounds an unpacked package index, in bytes; trixie's has 57 MB.
	MaxPackages = 1 << 30
	// clockSkew is how far an index's date may lie in the future.
	clockSkew = time.Hour
)

// Release is a verified InRelease.
type Release struct {
	suite, codename string
	// Version is the release's number, as "13.2".
	Version string
	// Date is when the index was made.
	Date       time.Time
	validUntil time.Time
	// ByHash says that files are also to be had by their hash.
	ByHash bool
	// Priority is what apt gives the suite's packages.
	Priority int
	// Files are what the release lists, by path below its folder.
	Files map[string]content.Entry
}

// Verify checks the signature of an InRelease against signers at the time now
// and returns the signed text, which must be the whole document; else it says
// what is wrong.
func Verify(data []byte, signers Keys, now time.Time) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte("-----BEGIN PGP SIGNED MESSAGE-----\n")) {
		return nil, errors.New("it does not start with an OpenPGP signed message")
	}
	block, rest := clearsign.Decode(data)
	if block == nil {
		return nil, errors.New("its OpenPGP signature is malformed")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("it holds text outside the OpenPGP signature")
	}
	config := &packet.Config{Time: func() time.Time { return now }}
	if _, err := block.VerifySignature(signers, config); err != nil {
		return nil, fmt.Errorf("its OpenPGP signature does not hold: %w", err)
	}
	return block.Plaintext, nil
}

// ParseRelease reads the signed text of an InRelease, one stanza.
func ParseRelease(text []byte) (*Release, error) {
	reader := control.NewReader(bytes.NewReader(text))
	stanza, err := reader.Next()
	if err != nil {
		return nil, fmt.Errorf("reading the signed index: %w", err)
	}
	fields, err := stanza.Map()
	if err != nil {
		return nil, fmt.Errorf("reading the signed index: %w", err)
	}
	if _, err := reader.Next(); err == nil {
		return nil, errors.New("reading the signed index: it holds more than one stanza")
	}
	r := &Release{
		suite: fields["suite"], codename: fields["codename"], Version: fields["version"],
		ByHash: fields["acquire-by-hash"] == "yes", Priority: priorityOf(fields),
	}
	if r.Date, err = parseDate(fields["date"]); err != nil {
		return nil, fmt.Errorf("reading Date: %w", err)
	}
	if until, ok := fields["valid-until"]; ok {
		if r.validUntil, err = parseDate(until); err != nil {
			return nil, fmt.Errorf("reading Valid-Until: %w", err)
		}
	}
	r.Files, err = parseFiles(fields["sha256"])
	return r, err
}

// priorityOf is apt's default priority of a suite (apt_preferences(5)): that of
// one which says that it is not to be used unasked is below that of what is
// installed, or the same.
func priorityOf(fields map[string]string) int {
	switch {
	case fields["notautomatic"] != "yes":
		return 500
	case fields["butautomaticupgrades"] == "yes":
		return 100
	}
	return 1
}

// parseDate reads a date of Debian's repository format, always in UTC.
func parseDate(text string) (time.Time, error) {
	for _, layout := range []string{"Mon, _2 Jan 2006 15:04:05 MST", time.RFC1123Z} {
		if t, err := time.Parse(layout, text); err == nil {
			if _, offset := t.Zone(); offset == 0 {
				return t.UTC(), nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%.60q is not a date in UTC", text)
}

func parseFiles(field string) (map[string]content.Entry, error) {
	files := map[string]content.Entry{}
	for line := range strings.Lines(field) {
		parts := strings.Fields(line)
		if len(parts) != 3 {
			return nil, fmt.Errorf("reading SHA256: %.100q is not a hash, a size and a path", line)
		}
		size, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil || size < 0 || !content.ValidSHA256(parts[0]) {
			return nil, fmt.Errorf("reading SHA256: %.100q has no valid hash and size", line)
		}
		files[parts[2]] = content.Entry{SHA256: parts[0], Size: size}
	}
	return files, nil
}

// Check says why r is not a current index of the suite, or nil.
func (r *Release) Check(suite string, now time.Time) error {
	switch {
	case r.suite != suite && r.codename != suite:
		return fmt.Errorf("it is the index of %q (%q), not of %q", r.codename, r.suite, suite)
	case r.Date.After(now.Add(clockSkew)):
		return fmt.Errorf("its date %s lies in the future; is this machine's clock right?", Stamp(r.Date))
	case !r.validUntil.IsZero() && now.After(r.validUntil):
		return fmt.Errorf("it expired on %s; the mirror may be stale, or this machine's clock wrong", Stamp(r.validUntil))
	}
	return nil
}

// Stamp writes a time as messages have it.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
