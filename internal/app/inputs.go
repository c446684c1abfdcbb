package app

import (
	"encoding/json"
	"slices"

	"github.com/bakelite/bakelite/internal/digests"
)

// inputs are the parts of an App that decide which packages and images it
// needs, in canonical form. A new field needs omitempty, so that old locks stay good.
type inputs struct {
	Debian          string   `json:"debian,omitempty"`
	Image           string   `json:"image,omitempty"`
	Packages        []string `json:"packages,omitempty"`
	Kernel          string   `json:"kernel,omitempty"`
	MachinePackages []string `json:"machinePackages,omitempty"`
	Admin           bool     `json:"admin,omitempty"`
	Dockerfile      string   `json:"dockerfile,omitempty"`
	Building        []string `json:"building,omitempty"`
}

// LockInputs returns "sha256:" and the digest of the parts of a that decide
// which packages and images it needs: base, packages, kernel, machine packages,
// and whether anybody may log in. The order of packages does not matter. Of a
// Dockerfile it is the name: Files pins its content.
func LockInputs(a App) string {
	canonical, err := json.Marshal(inputs{
		Debian: a.Base.Debian, Image: a.Base.Image,
		Packages: asSet(a.Packages),
		Kernel:   a.VM.Kernel, MachinePackages: asSet(a.VM.Packages),
		Admin:      a.VM.Admin != nil,
		Dockerfile: a.Base.Dockerfile, Building: asSet(a.Building),
	})
	if err != nil {
		panic("strings and a bool always marshal: " + err.Error())
	}
	return digests.Of(canonical)
}

func asSet(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}
