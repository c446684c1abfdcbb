package results

import (
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/runners/probe"
	"github.com/bakelite/bakelite/scan/controls"
)

// Built is the result of a build.
type Built struct {
	Receipt
	// Lock is what it was built from.
	Lock *lock.Lock
	// Rebuilt is false where the artifacts that are there were up to date.
	Rebuilt bool
	// Changes are the packages that an update brought.
	Changes []lock.Change
	// Published says what went where, where publishing was asked for.
	Published []Publication
	// Again says that all of it was there already.
	Again bool
}

// Tested is what the tests of one artifact gave.
type Tested struct {
	Results []probe.Result `json:"results"`
	// Hardening is which controls hold in what was made.
	Hardening []controls.Result `json:"hardening,omitempty"`
	// Booted is which hold in the running machine, for a disk.
	Booted []controls.Result `json:"booted,omitempty"`
	// BootSeconds is the time from power on to the service, for a disk.
	BootSeconds float64 `json:"bootSeconds,omitempty"`
	// MemoryBytes is the most memory that the service or machine used.
	MemoryBytes int64 `json:"memoryBytes,omitempty"`
	// Accelerator is kvm or tcg for a disk.
	Accelerator string `json:"accelerator,omitempty"`
}
