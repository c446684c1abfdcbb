package gate

import (
	"time"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
)

// Input is everything that a verdict depends on.
type Input struct {
	// App is the app's name.
	App string
	// ArtifactKind is "container" or "disk".
	ArtifactKind string
	// Digest is the artifact's, as "sha256:" and 64 hex digits.
	Digest string
	// Report is what the scanner saw in it; nil fails.
	Report *scan.Report
	// Locked is what the lock put into the artifact; nil fails, and so does a
	// report that says otherwise.
	Locked *Locked
	// Unlocked says that there is no lock to compare with, as where others made
	// the artifact. It is judged by the rest, and nothing proves that it passed.
	Unlocked bool
	// Asked is what the app file asks for; where it is nil, nothing proves that
	// the artifact passed.
	Asked *controls.Asked
	// Hardening is which controls hold in it.
	Hardening []controls.Result
	// Tests is what its tests gave.
	Tests Tests
	// VEX are the documents of the policy; Documents reads them.
	VEX []Document
	// Policy is what to judge by; keys left out have their defaults.
	Policy policy.Policy
	// Now is the time to judge at.
	Now time.Time
}

// Locked is what a lock says of one artifact: evidence that the artifact has
// no part in.
type Locked struct {
	// Distribution is the release that the packages are of, "debian" and "13".
	Distribution scan.OS
	// Packages are those of the distribution, by name, version, architecture
	// and source.
	Packages []scan.Package
	// Trimmed are the names of packages that Bakelite itself may have taken
	// out.
	Trimmed []string
}

// Tests counts the results of an artifact's tests.
type Tests struct {
	// Skipped says that the declared tests were left out.
	Skipped bool
	// Passed and Failed count those that ran.
	Passed, Failed int
}
