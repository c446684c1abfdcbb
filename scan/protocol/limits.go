package protocol

// Limits bound what is read; every zero is replaced by the value of
// DefaultLimits.
type Limits struct {
	// Entries is the number of files, folders and links of one tree.
	Entries int64 `json:"entries,omitempty"`
	// Depth is the number of names in one path.
	Depth int `json:"depth,omitempty"`
	// FileBytes is the size of one file.
	FileBytes int64 `json:"fileBytes,omitempty"`
	// TreeBytes is the size of one tree, unpacked.
	TreeBytes int64 `json:"treeBytes,omitempty"`
	// Layers is the number of an image's layers.
	Layers int `json:"layers,omitempty"`
	// DocumentBytes is the size of a manifest or configuration.
	DocumentBytes int64 `json:"documentBytes,omitempty"`
	// SBOMBytes is the size of an SBOM.
	SBOMBytes int64 `json:"sbomBytes,omitempty"`
	// PackageListBytes is the size of one list of installed packages, such as
	// dpkg's status file.
	PackageListBytes int64 `json:"packageListBytes,omitempty"`
}

// DefaultLimits are far above any artifact that is meant to run: a full
// desktop has 400,000 files, 20 GiB and a status file of 5 MiB.
func DefaultLimits() Limits {
	return Limits{
		Entries: 2_000_000, Depth: 255, FileBytes: 8 << 30, TreeBytes: 64 << 30, Layers: 500,
		DocumentBytes: 4 << 20, SBOMBytes: 128 << 20, PackageListBytes: 128 << 20,
	}
}

// Filled returns l with the defaults in place of zeros.
func (l Limits) Filled() Limits {
	d := DefaultLimits()
	return Limits{
		Entries: or(l.Entries, d.Entries), Depth: or(l.Depth, d.Depth), FileBytes: or(l.FileBytes, d.FileBytes),
		TreeBytes: or(l.TreeBytes, d.TreeBytes), Layers: or(l.Layers, d.Layers), DocumentBytes: or(l.DocumentBytes, d.DocumentBytes),
		SBOMBytes: or(l.SBOMBytes, d.SBOMBytes), PackageListBytes: or(l.PackageListBytes, d.PackageListBytes),
	}
}

func or[T int | int64](value, instead T) T {
	if value > 0 {
		return value
	}
	return instead
}
