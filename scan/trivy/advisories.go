//go:build goexperiment.jsonv2

package trivy

import (
	"context"

	"github.com/aquasecurity/trivy/pkg/detector/ospkg/debian"
	"github.com/aquasecurity/trivy/pkg/detector/ospkg/driver"
	"github.com/aquasecurity/trivy/pkg/detector/ospkg/ubuntu"
	"github.com/aquasecurity/trivy/pkg/fanal/types"
)

// ownAdvisories has all packages of a distribution compared with its own
// advisories. By itself Trivy leaves out those whose maintainer is another
// one, and goes by a vendor's advisories where a package has a telling name or
// version: both are what the image says of itself.
func ownAdvisories(os types.OS, _ []types.Package) driver.Driver {
	switch os.Family {
	case types.Debian:
		return all{debian.NewScanner()}
	case types.Ubuntu:
		return all{ubuntu.NewScanner()}
	}
	return nil
}

// all is a driver that leaves no package out.
type all struct{ driver.Driver }

func (all) FilterPackages(_ context.Context, packages []types.Package) []types.Package {
	return packages
}
