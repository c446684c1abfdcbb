// Package policy holds the Policy: what an organisation lets in (bases), lets
// out (gate, waivers) and asks for before it runs an artifact (verify). It is
// one strict YAML file, for producers and for consumers alike. It is data:
// internal/policy/base, scan/gate and publish/attest judge by it. It refuses
// unknown keys, values it does not know, and files outside of the policy's
// folder. It has no clock: whether a waiver has expired is the gate's to say.
package policy

import "github.com/bakelite/bakelite/internal/units"

// APIVersion is the version of the policy file format.
const APIVersion = "bakelite.dev/v1"

// Policy is one policy file.
type Policy struct {
	// APIVersion is always "bakelite.dev/v1".
	APIVersion string `yaml:"apiVersion"`
	// Kind is always "Policy".
	Kind string `yaml:"kind"`
	// Bases says what an app may stand on.
	Bases Bases `yaml:"bases,omitempty"`
	// Build says what may happen while an app is built.
	Build Build `yaml:"build,omitempty"`
	// Gate says what may be published.
	Gate Gate `yaml:"gate,omitempty"`
	// Waivers let single findings through, for a while.
	Waivers []Waiver `yaml:"waivers,omitempty"`
	// VEX are files of OpenVEX documents, below the policy file's folder.
	VEX []string `yaml:"vex,omitempty"`
	// Patches says how soon fixes must reach published images.
	Patches Patches `yaml:"patches,omitempty"`
	// Verify says what a consumer asks for; a producer asks the same of its
	// own work before it publishes.
	Verify Verify `yaml:"verify,omitempty"`

	// Dir is the folder of the policy file; relative paths start here.
	Dir string `yaml:"-"`
	// Path is the policy file as it was named.
	Path string `yaml:"-"`
	// Files is the content of the VEX, key and trusted root files by the name
	// that the policy gives them, as Load read it: what is judged by is what
	// Digest speaks of.
	Files map[string][]byte `yaml:"-"`
}

// Bases says what an app may stand on.
type Bases struct {
	// Archives are the names of package archives allowed; empty means all.
	Archives []string `yaml:"archives,omitempty"`
	// Images says which base images are allowed, Dockerfile stages included.
	Images BaseImages `yaml:"images,omitempty"`
}

// Build says what may happen while an app is built.
type Build struct {
	// Network is "allowed" (the default), which gives a network to steps that
	// say network: true, or "forbidden", which refuses an app with such steps.
	Network string `yaml:"network,omitempty"`
}

// BaseImages says which base images are allowed.
type BaseImages struct {
	// Allow lists repositories, as "docker.io/library/debian"; a last "/*"
	// stands for every repository below. Empty means every repository that
	// does not look like another one's name.
	Allow []string `yaml:"allow,omitempty"`
	// Official adds names to the built-in list that look-alikes are compared
	// with.
	Official []string `yaml:"official,omitempty"`
	// AllowTags lets a base be named without a digest, which the lock then
	// keeps; by default a digest is required.
	AllowTags bool `yaml:"allowTags,omitempty"`
	// AllowLayouts lets local layout folders in without a signature.
	AllowLayouts bool `yaml:"allowLayouts,omitempty"`
	// SignedBy are the signers one of whom must have signed; empty asks for
	// no signature.
	SignedBy []Signer `yaml:"signedBy,omitempty"`
	// MaxAge refuses images made longer ago.
	MaxAge units.Duration `yaml:"maxAge,omitempty"`
}

// Signer is who must have signed: a key, or an identity that an OIDC issuer
// vouched for.
type Signer struct {
	// Key is a file with a PEM public key, below the policy file's folder.
	Key string `yaml:"key,omitempty"`
	// Issuer is the URL of the OIDC issuer.
	Issuer string `yaml:"issuer,omitempty"`
	// Subject is the identity: an address or a workflow's URL.
	Subject string `yaml:"subject,omitempty"`
	// SubjectMatches is a regular expression (RE2) that the whole identity
	// must match, instead of Subject.
	SubjectMatches string `yaml:"subjectMatches,omitempty"`
	// TrustedRoot is a file in Sigstore's trusted root form for a private
	// Sigstore; "" is the public one.
	TrustedRoot string `yaml:"trustedRoot,omitempty"`
}

// Gate says what may be published.
type Gate struct {
	// Mode is "enforce" (the default) or "report-only".
	Mode string `yaml:"mode,omitempty"`
	// Vulnerabilities bounds the findings.
	Vulnerabilities Vulnerabilities `yaml:"vulnerabilities,omitempty"`
	// AllowSecrets lets content through that holds what looks like secrets.
	AllowSecrets bool `yaml:"allowSecrets,omitempty"`
	// AllowUnlockedPackages lets content through that has packages of the
	// distribution which its lock did not bring, such as by a step.
	AllowUnlockedPackages bool `yaml:"allowUnlockedPackages,omitempty"`
	// AllowAltered lets content through in which the app changed what its file
	// names under alters: programs of packages, and what root starts or reads.
	AllowAltered bool `yaml:"allowAltered,omitempty"`
	// ForbiddenRights are what an app file may not give under rights: "set-uid",
	// "set-gid", capabilities such as sys_admin; under service.allow:
	// "exec-writable"; "all" of them, or "none". By default those capabilities
	// by which a program is as good as root.
	ForbiddenRights []string `yaml:"forbiddenRights,omitempty"`
	// ForbiddenPackages are names, with * for any text.
	ForbiddenPackages []string `yaml:"forbiddenPackages,omitempty"`
	// ForbiddenLicences are SPDX identifiers, with * for any text.
	ForbiddenLicences []string `yaml:"forbiddenLicences,omitempty"`
	// RequiredControls are the hardening controls that must hold where they
	// apply: identifiers, "level 1" or "level 2" for all of a level, or "none".
	// By default all of level 1.
	RequiredControls []string `yaml:"requiredControls,omitempty"`
	// MinHardening is the least share of the other controls that holds, in
	// percent; 0 asks for none.
	MinHardening int `yaml:"minHardening,omitempty"`
	// AllowSkippedTests lets artifacts through whose declared tests were left
	// out; failed ones never get here.
	AllowSkippedTests bool `yaml:"allowSkippedTests,omitempty"`
	// MaxDatabaseAge refuses reports by an older database, 168h by default.
	MaxDatabaseAge units.Duration `yaml:"maxDatabaseAge,omitempty"`
}

// Vulnerabilities bounds the findings.
type Vulnerabilities struct {
	// FailOn is the least severity that fails, "high" by default; "none" lets
	// all through.
	FailOn string `yaml:"failOn,omitempty"`
	// UnknownAs is the severity that findings count as which nobody has rated
	// yet, "medium" by default.
	UnknownAs string `yaml:"unknownAs,omitempty"`
	// Unfixed counts findings without a fix too.
	Unfixed bool `yaml:"unfixed,omitempty"`
	// GraceDays are the days that a finding of a severity may stay after its
	// fix came out, as far as an earlier report of verify.signedBy tells, or
	// else after the vulnerability was published; without a date there is no
	// grace.
	GraceDays map[string]int `yaml:"graceDays,omitempty"`
}

// Waiver lets one finding through until it expires.
type Waiver struct {
	// ID is a finding's identifier, a secret's rule, a hardening control's
	// identifier, or the name of a gate rule that WaivableRules lists.
	ID string `yaml:"id"`
	// Package narrows it to one package; "" means all.
	Package string `yaml:"package,omitempty"`
	// Path narrows it to files, with * for any text, as "/srv/docs/*"; "" means
	// all, and what has no file.
	Path string `yaml:"path,omitempty"`
	// Apps narrows it to these apps; empty means all.
	Apps []string `yaml:"apps,omitempty"`
	// Reason says why this is acceptable.
	Reason string `yaml:"reason"`
	// Owner answers for it.
	Owner string `yaml:"owner"`
	// Expires is the last day that it holds, as 2026-12-31 (UTC).
	Expires string `yaml:"expires"`
}

// Patches says how soon fixes must reach published images.
type Patches struct {
	// MaxHours are the hours that a fix of a severity may take from the archive
	// to a published image; clock says which took longer.
	MaxHours map[string]int `yaml:"maxHours,omitempty"`
}

// Verify says what a consumer asks for.
type Verify struct {
	// SignedBy are the signers one of whom must have signed everything.
	SignedBy []Signer `yaml:"signedBy,omitempty"`
	// ReleasedBy are the signers whose word on channels counts; empty is those
	// of signedBy. Both can revoke.
	ReleasedBy []Signer `yaml:"releasedBy,omitempty"`
	// Channel is the channel that must lead to an artifact, "" for none.
	Channel string `yaml:"channel,omitempty"`
	// Builder is the identity that provenance must name, "" for any.
	Builder string `yaml:"builder,omitempty"`
	// Source is the repository that provenance must name, "" for any.
	Source string `yaml:"source,omitempty"`
	// AnyName lets an artifact go by every name; by default its app and kind
	// are those that the reference's last part, or the file's name, says.
	AnyName bool `yaml:"anyName,omitempty"`
	// Policies are the digests of policies by one of which the gate must have
	// judged, as "sha256:…"; empty means any. None can name itself: this is for
	// consumers, in a file of their own.
	Policies []string `yaml:"policies,omitempty"`
	// WithoutSBOM does not ask for an SBOM.
	WithoutSBOM bool `yaml:"withoutSBOM,omitempty"`
	// WithoutProvenance does not ask for provenance.
	WithoutProvenance bool `yaml:"withoutProvenance,omitempty"`
	// WithoutVerdict does not ask for the gate's verdict.
	WithoutVerdict bool `yaml:"withoutVerdict,omitempty"`
	// WithoutLock does not ask for the lock.
	WithoutLock bool `yaml:"withoutLock,omitempty"`
	// WithoutTests does not ask for the results of the tests.
	WithoutTests bool `yaml:"withoutTests,omitempty"`
	// MaxReportAge refuses artifacts whose newest scan report is older, 720h
	// by default.
	MaxReportAge units.Duration `yaml:"maxReportAge,omitempty"`
}
