// Package intoto is what is said about an artifact, before anybody signs it
// and after somebody's signature was verified: in-toto statements, the types of
// their predicates, SLSA's provenance among them, and how a statement is
// encoded and read. It refuses a statement with a key that comes twice, and
// knows nothing of keys, bundles and trust: those are package attest.
package intoto

// The predicate types that Bakelite writes or asks for.
const (
	// SignatureType is cosign's, and its predicate is empty: it says only
	// that the digest was signed.
	SignatureType = "https://sigstore.dev/cosign/sign/v1"
	// ProvenanceType is SLSA's build provenance (slsa.dev/spec/v1.0/provenance).
	ProvenanceType = "https://slsa.dev/provenance/v1"
	// CycloneDXType and SPDXType are those of in-toto's attestation registry.
	CycloneDXType = "https://cyclonedx.org/bom"
	SPDXType      = "https://spdx.dev/Document"
	// ScanType's predicate is a scan.Report.
	ScanType = "https://bakelite.dev/attestation/scan/v1"
	// VerdictType's predicate is a gate.Verdict.
	VerdictType = "https://bakelite.dev/attestation/verdict/v1"
	// TestsType's predicate is a Tests.
	TestsType = "https://bakelite.dev/attestation/tests/v1"
	// LockType's predicate is a lock.Lock.
	LockType = "https://bakelite.dev/attestation/lock/v1"
	// ChannelType's predicate is a channel.Record, RevocationType's a
	// channel.Revocation, ClockType's an update.Clock: notices, see SignNotice.
	ChannelType    = "https://bakelite.dev/attestation/channel/v1"
	RevocationType = "https://bakelite.dev/attestation/revocation/v1"
	ClockType      = "https://bakelite.dev/attestation/clock/v1"
)

// MaxStatement bounds one statement, in bytes: an SBOM of a large image has
// tens of megabytes, and cosign reads attachments of 128 MiB at most.
const MaxStatement = 90 << 20
