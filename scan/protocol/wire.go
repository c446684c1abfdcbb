// Package protocol holds what the main program says to the child that reads
// what nobody trusts, and hears from it: one Request on the child's standard
// input, one Response on its standard output, both JSON. Decoding is strict. It
// is plain data, imported by both sides: scan/child, scan/sandbox, and what the
// child does in scan/trivy and scan/checker.
package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/controls/check"
)

// APIVersion is the version of this protocol.
const APIVersion = "bakelite.dev/scan/v2"

// Kinds of root.
const (
	Image  = "image"
	Disk   = "disk"
	Folder = "folder"
	SBOM   = "sbom"
)

// Request asks for reports on some roots. All paths are absolute.
type Request struct {
	APIVersion string `json:"apiVersion"`
	Roots      []Root `json:"roots"`
	// Database holds the known vulnerabilities.
	Database Database `json:"database"`
	// Java is a folder with Trivy's Java database, "" for none: jars are then
	// known by what they say about themselves.
	Java string `json:"java,omitempty"`
	// Known are the cache's entries, for each root in the order of its trees;
	// none where there is no cache.
	Known [][]Known `json:"known,omitempty"`
	// Untouched are the SHA-256, in hexadecimal digits, of packed files as
	// packages brought them: they are not unpacked to look for secrets.
	Untouched []string `json:"untouched,omitempty"`
	// List asks for the files of each root, and for nothing else.
	List bool `json:"list,omitempty"`
	// Checks ask which controls hold in each root, in their order, and for
	// nothing else.
	Checks []Check `json:"checks,omitempty"`
	// Now is the time that reports bear and the database's age is counted to.
	Now time.Time `json:"now"`
	// Limits bound the content.
	Limits Limits `json:"limits,omitzero"`
	// Process bounds the child.
	Process Process `json:"process,omitzero"`
}

// Check is what to check in one root.
type Check struct {
	Controls []controls.Control `json:"controls"`
	Options  check.Options      `json:"options,omitzero"`
}

// Root is one thing to scan.
type Root struct {
	// Name is the artifact's name in SBOMs.
	Name string `json:"name"`
	// Kind is Image, Disk, Folder or SBOM.
	Kind string `json:"kind"`
	// Path is an OCI layout folder, a disk file, a folder, or an SBOM file.
	Path string `json:"path"`
	// Digest is an image's manifest digest; for a disk or an SBOM the file's
	// digest, "" where nobody needs it compared.
	Digest string `json:"digest,omitempty"`
	// Subject and ArtifactKind are what an SBOM is about; empty for others.
	Subject      string `json:"subject,omitempty"`
	ArtifactKind string `json:"artifactKind,omitempty"`
}

// About returns the subject that the root's report must bear.
func (r Root) About() string {
	if r.Kind == SBOM {
		return r.Subject
	}
	return r.Digest
}

// Database is a folder with trivy.db and metadata.json, as the child is asked;
// what it turns out to be, the child says as a scan.Database.
type Database struct {
	Folder string `json:"folder"`
	// Ref is where it came from, for the report.
	Ref string `json:"ref,omitempty"`
	// Digest is what it was fetched and verified by; else that of trivy.db,
	// which is then computed.
	Digest string `json:"digest,omitempty"`
	// MaxAge refuses an older database; zero is DefaultMaxAge.
	MaxAge time.Duration `json:"maxAge,omitempty"`
}

// DefaultMaxAge is the database's age where nothing else is asked for: a
// week, the default of policies.
const DefaultMaxAge = 168 * time.Hour

// Process bounds the child as a process.
type Process struct {
	// Memory is the heap in bytes.
	Memory int64 `json:"memory,omitempty"`
	// CPU is processor time.
	CPU time.Duration `json:"cpu,omitempty"`
	// Scratch is the size of temporary files in bytes.
	Scratch int64 `json:"scratch,omitempty"`
	// Exposed lets the child run where the kernel refuses it namespaces.
	Exposed bool `json:"exposed,omitempty"`
}

// Response is the child's answer: results in the order of the roots, or a
// failure.
type Response struct {
	APIVersion string   `json:"apiVersion"`
	Results    []Result `json:"results,omitempty"`
	Failure    *Failure `json:"failure,omitempty"`
	// Confined says what held while content was read.
	Confined Confined `json:"confined,omitzero"`
}

// Result is what was seen in one root.
type Result struct {
	Report scan.Report `json:"report"`
	// CycloneDX and SPDX list the packages, each as one JSON document.
	CycloneDX json.RawMessage `json:"cyclonedx"`
	SPDX      json.RawMessage `json:"spdx"`
	// Cached is how many of the root's trees were not walked again.
	Cached int `json:"cached"`
	// Files are what List asks for: mode, size and digest by path.
	Files map[string]string `json:"files,omitempty"`
	// Subject is the digest of what was checked, and Controls what Checks ask
	// for.
	Subject  string            `json:"subject,omitempty"`
	Controls []controls.Result `json:"controls,omitempty"`
}

// Confined says how the child was shut in.
type Confined struct {
	Namespaces bool `json:"namespaces"`
	// Filter says that the kernel refuses the system calls that no scan needs.
	Filter bool `json:"filter"`
	UID    int  `json:"uid"`
}

// Failure is an error that crosses the process boundary.
type Failure struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// kinds are the kinds of error that a child may report.
func kinds() map[string]fault.Kind {
	return map[string]fault.Kind{
		"internal": fault.Internal, "invalid": fault.Invalid, "missing": fault.Missing,
		"integrity": fault.Integrity, "cancelled": fault.Cancelled, "disk-full": fault.Build,
	}
}

// FailureOf puts err on the wire.
func FailureOf(err error) *Failure {
	f := &Failure{Kind: "internal", Message: err.Error(), Hint: fault.HintOf(err)}
	for name, kind := range kinds() {
		if kind == fault.KindOf(err) {
			f.Kind = name
		}
	}
	return f
}

// Err is the failure as a classified error.
func (f Failure) Err() error {
	kind, ok := kinds()[f.Kind]
	if !ok {
		return fault.New(fault.Internal, "the scanner failed with the unknown kind %q: %s", f.Kind, f.Message)
	}
	err := fault.New(kind, "%s", f.Message)
	if f.Hint == "" {
		return err
	}
	return fault.Hint(err, "%s", f.Hint)
}

// Decode reads exactly one JSON value of a known form; unknown fields and
// anything after the value are errors.
func Decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("decoding: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("decoding: something follows the JSON value")
	}
	return nil
}
