package attest

import (
	"encoding/json"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

// StatedLock reads a lock as it was stated; what later versions add to it is no
// harm. What is no lock is fault.Integrity.
func StatedLock(predicate json.RawMessage) (lock.Lock, error) {
	var d lockDocument
	if err := json.Unmarshal(predicate, &d); err != nil {
		return lock.Lock{}, fault.New(fault.Integrity, "reading the lock that was stated: %w", err)
	}
	if d.APIVersion != lock.APIVersion || d.Kind != "Lock" {
		return lock.Lock{}, fault.New(fault.Integrity, "the lock that was stated is of the form %.40q %.40q", d.APIVersion, d.Kind)
	}
	pin := func(pins []lockPin) []lock.Pin { return convert(pins, func(p lockPin) lock.Pin { return lock.Pin(p) }) }
	p := d.Packages
	return lock.Lock{
		APIVersion: d.APIVersion, Kind: d.Kind, App: d.App, Bakelite: d.Bakelite, Platform: d.Platform, Inputs: d.Inputs,
		Base:     (*lock.Image)(d.Base),
		Images:   convert(d.Images, func(i lockImage) lock.Image { return lock.Image(i) }),
		Archives: convert(d.Archives, func(a lockArchive) lock.Archive { return lock.Archive(a) }),
		Files:    convert(d.Files, func(f lockFile) lock.File { return lock.File(f) }),
		Packages: lock.Layers{
			Seed: pin(p.Seed), Base: pin(p.Base), App: pin(p.App), Machine: pin(p.Machine), MachineApp: pin(p.MachineApp), Tools: pin(p.Tools),
		},
	}, nil
}
