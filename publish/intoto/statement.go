package intoto

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
)

const (
	// statementType is in-toto's (attestation spec v1).
	statementType = "https://in-toto.io/Statement/v1"
	// PayloadType is a statement's media type in an envelope.
	PayloadType = "application/vnd.in-toto+json"
	// MaxSubjects bounds the subjects of one statement; sigstore-go has the
	// same number.
	MaxSubjects = 1024
)

// Statement is what is said about an artifact. Predicate is encoded as JSON;
// a json.RawMessage goes in as it is, but for white space.
type Statement struct {
	PredicateType string
	Predicate     any
}

// Subject is the artifact that a statement is about. Name goes into public
// logs with keyless signing by Rekor's first version, so it is neutral: the
// app's name, and no repository's.
type Subject struct {
	Name   string
	Digest string // "sha256:…"
	// Files are the artifact's files where it has some of its own, so that one
	// of them alone can be verified too.
	Files []Subject
}

// subjects returns the artifact and then its files in in-toto's form.
func (s Subject) subjects() []Named {
	all := []Named{{Name: s.Name, Digest: digestSet(s.Digest)}}
	for _, f := range s.Files {
		all = append(all, Named{Name: f.Name, Digest: digestSet(f.Digest)})
	}
	return all
}

// Named is a subject in in-toto's form: a name with digests by algorithm.
type Named struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// statement is in-toto's form of one.
type statement struct {
	Type          string  `json:"_type"`
	Subject       []Named `json:"subject"`
	PredicateType string  `json:"predicateType"`
	Predicate     any     `json:"predicate"`
}

// CheckDigest refuses everything but "sha256:" with 64 hex digits, by an error
// of kind Invalid.
func CheckDigest(digest string) error {
	if !digests.Valid(digest) {
		return fault.New(fault.Invalid, "%q is not a SHA-256 digest", digest)
	}
	return nil
}

// Encode returns the bytes that get signed; those of more than MaxStatement
// are an error of kind Policy.
func Encode(about Subject, s Statement) ([]byte, error) {
	if s.PredicateType == "" {
		return nil, fault.New(fault.Internal, "a statement has no predicate type")
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(statement{
		Type:          statementType,
		Subject:       about.subjects(),
		PredicateType: s.PredicateType,
		Predicate:     s.Predicate,
	})
	if err != nil {
		return nil, fault.New(fault.Internal, "encoding the statement %s: %w", s.PredicateType, err)
	}
	if out.Len() > MaxStatement {
		return nil, fault.Hint(fault.New(fault.Policy, "the statement %s has %d bytes, more than %d", s.PredicateType, out.Len(), MaxStatement),
			"cosign would not read it; leave the file listing out of the SBOM")
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// Parsed is a statement that was read; the predicate stays as it came.
type Parsed struct {
	Kind      string
	Subjects  []Named
	Predicate json.RawMessage
}

// Parse reads a statement. A key that comes twice is refused, since readers
// would disagree about which one counts; unknown keys are skipped, as in-toto
// asks.
func Parse(payload []byte) (Parsed, error) {
	if len(payload) > MaxStatement {
		return Parsed{}, fmt.Errorf("the statement has %d bytes, more than %d", len(payload), MaxStatement)
	}
	var p Parsed
	var version string
	dec := json.NewDecoder(bytes.NewReader(payload))
	err := eachKey(dec, func(key string) error {
		switch key {
		case "_type":
			return dec.Decode(&version)
		case "predicateType":
			return dec.Decode(&p.Kind)
		case "subject":
			return dec.Decode(&p.Subjects)
		case "predicate":
			return dec.Decode(&p.Predicate)
		default:
			var skipped json.RawMessage
			return dec.Decode(&skipped)
		}
	})
	switch {
	case err != nil:
		return Parsed{}, fmt.Errorf("reading the statement: %w", err)
	case version != statementType:
		return Parsed{}, fmt.Errorf("the statement is of the type %.100q, not %q", version, statementType)
	case p.Kind == "":
		return Parsed{}, errors.New("the statement has no predicate type")
	case len(p.Subjects) == 0 || len(p.Subjects) > MaxSubjects:
		return Parsed{}, fmt.Errorf("the statement has %d subjects, not 1 to %d", len(p.Subjects), MaxSubjects)
	}
	return p, nil
}

// eachKey reads one JSON object to its end and calls value at each key.
func eachKey(dec *json.Decoder, value func(key string) error) error {
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return errors.New("it is not a JSON object")
	}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		if seen[key] {
			return fmt.Errorf("the key %.100q comes twice", key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object")
	}
	return nil
}

// About says whether the statement names this digest.
func (p Parsed) About(digest string) bool {
	hex := strings.TrimPrefix(digest, "sha256:")
	for _, s := range p.Subjects {
		if hex != "" && s.Digest["sha256"] == hex {
			return true
		}
	}
	return false
}
