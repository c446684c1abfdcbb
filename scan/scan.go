// Package scan holds the nouns of judging content: the Report of what a
// scanner saw in an artifact, its findings, and the database they come from.
// It is plain data; scanners make it, the gate judges it. It imports nothing
// of ours.
package scan

import (
	"slices"
	"strings"
	"time"
)

// APIVersion is the version of the report's form.
const APIVersion = "bakelite.dev/v1"

// Severities, from the least to the worst.
const (
	Unknown  = "unknown"
	Low      = "low"
	Medium   = "medium"
	High     = "high"
	Critical = "critical"
)

// Severities lists them from the least to the worst.
func Severities() []string { return []string{Unknown, Low, Medium, High, Critical} }

// SeverityOf returns the one of Severities that a word in any case is, Unknown
// for another word.
func SeverityOf(word string) string {
	if word = strings.ToLower(word); slices.Contains(Severities(), word) {
		return word
	}
	return Unknown
}

// Report is what a scanner saw in one artifact. All lists are sorted.
type Report struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"` // always "Report"
	// Subject is the digest of the artifact that was read: an image's
	// manifest or a disk file.
	Subject string `json:"subject"`
	// ArtifactKind is "container" or "disk".
	ArtifactKind string `json:"artifactKind"`
	// Scanner is the program that read it.
	Scanner Scanner `json:"scanner"`
	// Database is what it was compared with.
	Database Database `json:"database"`
	// Scanned is when, in UTC.
	Scanned time.Time `json:"scanned"`
	// OS is the distribution: "debian" and "13.2".
	OS OS `json:"os"`
	// Packages are those of the distribution and of languages.
	Packages []Package `json:"packages"`
	// Findings are the known vulnerabilities of the packages.
	Findings []Finding `json:"findings"`
	// Secrets are texts that look like keys or passwords; never their value.
	Secrets []Secret `json:"secrets"`
}

// Scanner names a scanning program.
type Scanner struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Database is a database of vulnerabilities, by content.
type Database struct {
	// Ref is the reference or folder that it came from.
	Ref string `json:"ref"`
	// Digest is what it was fetched by, as "sha256:…": its manifest's, or one
	// made of the digests of a folder's files.
	Digest string `json:"digest"`
	// Updated is when its makers last changed it.
	Updated time.Time `json:"updated"`
}

// OS is a distribution.
type OS struct {
	Family string `json:"family"`
	Name   string `json:"name"`
}

// Package is one installed package.
type Package struct {
	// Type is the package system: "debian", "alpine", "npm", "gobinary".
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Arch    string `json:"arch,omitempty"`
	// Source and SourceVersion are those of the source package, by which
	// distributions publish their advisories.
	Source        string `json:"source,omitempty"`
	SourceVersion string `json:"sourceVersion,omitempty"`
	// Path is the file that a language's package was found in.
	Path string `json:"path,omitempty"`
	// PURL is the package URL.
	PURL string `json:"purl,omitempty"`
	// Licences are SPDX identifiers where the scanner knows them.
	Licences []string `json:"licences,omitempty"`
}

// Finding is one vulnerability in one package.
type Finding struct {
	// ID is the identifier: "CVE-2026-1234".
	ID      string `json:"id"`
	Package string `json:"package"`
	// Type is the package system, as in Package.
	Type string `json:"type"`
	// Path is the file that a language's package was found in.
	Path    string `json:"path,omitempty"`
	PURL    string `json:"purl,omitempty"`
	Version string `json:"version"`
	// FixedVersion is empty where there is no fix.
	FixedVersion string `json:"fixedVersion,omitempty"`
	// FixedSince is the date of the first database in which the fix was seen,
	// as far as an earlier report is evidence of it; zero where unknown. No
	// scanner knows it: see gate.DateFixes.
	FixedSince time.Time `json:"fixedSince,omitzero"`
	// Status is the distribution's word: "fixed", "affected", "will_not_fix".
	Status string `json:"status,omitempty"`
	// Severity is one of Severities.
	Severity string `json:"severity"`
	// Source is whose severity that is: "debian", "nvd".
	Source string `json:"source,omitempty"`
	Title  string `json:"title,omitempty"`
	URL    string `json:"url,omitempty"`
	// Published is when the vulnerability became known; zero where unknown.
	Published time.Time `json:"published,omitzero"`
}

// Secret is a place that holds what looks like a key or password.
type Secret struct {
	// Rule is the scanner's rule: "private-key".
	Rule     string `json:"rule"`
	Title    string `json:"title"`
	Severity string `json:"severity"`
	Path     string `json:"path"`
	Line     int    `json:"line,omitempty"`
}
