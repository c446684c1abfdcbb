//go:build goexperiment.jsonv2

package analysis

import (
	"slices"
	"strings"

	"github.com/aquasecurity/trivy/pkg/fanal/analyzer"
	"github.com/aquasecurity/trivy/pkg/fanal/types"
)

// manager is a package manager, by the lists that it keeps. A list of another
// manager than the distribution's is a file like any other: what it says is
// installed is not compared with the distribution's advisories, and no file is
// passed by because it claims it.
type manager string

const (
	none manager = ""
	dpkg manager = "dpkg"
	apk  manager = "apk"
	rpm  manager = "rpm"
)

// managerOf returns whose packages a distribution has, none for one that nobody
// knows.
func managerOf(os types.OS) manager {
	switch os.Family {
	case "":
		return none
	case types.Debian, types.Ubuntu, types.ActiveState, types.Echo:
		return dpkg
	case types.Alpine, types.Wolfi, types.Chainguard, types.MinimOS:
		return apk
	}
	return rpm
}

// keeperOf returns who keeps the list at a path, none for other files.
func keeperOf(path string) manager {
	below := func(folders ...string) bool {
		return slices.ContainsFunc(folders, func(f string) bool { return strings.HasPrefix(path, f) })
	}
	switch {
	case below("var/lib/dpkg/"):
		return dpkg
	case below("lib/apk/", "usr/lib/apk/"):
		return apk
	case below("var/lib/rpm/", "var/lib/rpmmanifest/", "usr/lib/sysimage/rpm/", "usr/share/rpm/"):
		return rpm
	}
	return none
}

// ofDistribution returns the lists of packages that count in a distribution:
// those of its manager, and those that no manager keeps, such as in an SBOM.
// Without a distribution all do, and nothing is compared with them.
func ofDistribution(os types.OS, lists []types.PackageInfo) []types.PackageInfo {
	return slices.DeleteFunc(lists, func(l types.PackageInfo) bool {
		keeper := keeperOf(l.FilePath)
		return os.Family != "" && keeper != none && keeper != managerOf(os)
	})
}

// withhold takes from what an analyser found in a list of packages the files
// that it claims, until the distribution is known.
func (w *walk) withhold(path string, found *analyzer.AnalysisResult) *analyzer.AnalysisResult {
	keeper := keeperOf(path)
	if keeper == none || len(found.SystemInstalledFiles) == 0 {
		return found
	}
	w.claims.mu.Lock()
	w.claims.others[keeper] = append(w.claims.others[keeper], found.SystemInstalledFiles...)
	w.claims.mu.Unlock()
	rest := analyzer.NewAnalysisResult()
	rest.Merge(found)
	rest.SystemInstalledFiles = nil
	return rest
}

// release leaves, of the files that lists claim, those of the distribution's
// manager. Those of dpkg's lists are in the result already.
func (w *walk) release(os types.OS) {
	m := managerOf(os)
	if m != dpkg {
		w.result.SystemInstalledFiles = nil
	}
	w.result.SystemInstalledFiles = append(w.result.SystemInstalledFiles, w.claims.others[m]...)
}
