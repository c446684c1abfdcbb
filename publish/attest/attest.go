// Package attest signs statements about an artifact, and verifies them: DSSE
// in-toto statements in Sigstore bundles, by key or keyless, in the layout
// that cosign verifies. It refuses to sign what the gate did not pass, to hand
// out what its own verifier would refuse, and a bundle that speaks of another
// digest.
package attest

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

// BundleMediaType is the media type of a bundle, version 0.3 (Sigstore's
// protobuf-specs), and the artifact type of the manifest that carries it.
const BundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// The limits of what is read or made, in bytes unless they say otherwise.
const (
	// MaxStatement bounds one statement: an SBOM of a large image has tens of
	// megabytes, and cosign reads attachments of 128 MiB at most.
	MaxStatement = 90 << 20
	// MaxBundle bounds one bundle: its statement in base64, a certificate, 32
	// log entries and 32 timestamps at most. It is cosign's own limit.
	MaxBundle = 128 << 20
	// MaxBundles bounds the bundles of one artifact, as a number.
	MaxBundles = 256
)
