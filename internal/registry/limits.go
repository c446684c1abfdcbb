package registry

import "time"

// Bounds of what is read from a registry or a layout.
const (
	// maxManifest bounds a manifest or an index, in bytes: what the
	// distribution specification asks registries to take at least.
	maxManifest = 4 << 20
	// maxIndex bounds a layout's index.json, in bytes.
	maxIndex = 16 << 20
	// maxLayers bounds the layers of one manifest.
	maxLayers = 1024
	// maxChildren bounds the manifests that an index names.
	maxChildren = 4096
	// maxReferrers bounds what refers to one digest.
	maxReferrers = 1024
	// maxPages bounds the pages of a list of referrers.
	maxPages = 32
	// maxBlob bounds any blob, in bytes.
	maxBlob = 64 << 30
	// maxRefusal bounds what is read of a registry's error, in bytes.
	maxRefusal = 64 << 10
)

// Bounds of the work.
const (
	// uploads is how many blobs are on their way at a time; more do not make a
	// usual uplink faster and trip the limits of public registries.
	uploads = 4
	// attempts is how often a request is made before its failure counts.
	attempts = 5
	// firstWait is the mean wait after the first failure; it doubles each time.
	firstWait = 500 * time.Millisecond
	// maxWait bounds one wait, and what a registry may ask for by Retry-After.
	maxWait = time.Minute
	// settle is how long a new version is left to stand before it is read
	// again: a registry has no "create if absent", and another publisher that
	// looked at the same moment overwrites within this time.
	settle = 400 * time.Millisecond
	// merges is how often a list of referrers is written again because another
	// publisher overwrote it.
	merges = 8
	// lockWait is how long a publisher waits for another one's step on the
	// same layout; a step takes milliseconds.
	lockWait = time.Minute
	// lockPoll is the time between two looks whether that step is done.
	lockPoll = 20 * time.Millisecond
	// staleIngest is the age at which an unfinished blob in a layout is taken
	// for a killed publisher's.
	staleIngest = 24 * time.Hour
)
