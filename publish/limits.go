package publish

// Bounds of what is read from a registry or a layout.
const (
	// maxBundle bounds one bundle, in bytes: what cosign reads at most.
	maxBundle = 128 << 20
	// maxBundles bounds all bundles of one digest, in bytes.
	maxBundles = 512 << 20
	// maxClassic bounds one classic signature's payload, in bytes.
	maxClassic = 1 << 20
)
