//go:build goexperiment.jsonv2

package trivy

import (
	"cmp"
	"path"
	"slices"
	"strings"

	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/licensing"
	"github.com/aquasecurity/trivy/pkg/scan/utils"
	"github.com/aquasecurity/trivy/pkg/types"

	"github.com/bakelite/bakelite/scan"
)

// report says in our words what Trivy found. A secret's text stays behind.
func (s session) report(t types.Report, what about) scan.Report {
	r := scan.Report{
		APIVersion: scan.APIVersion, Kind: "Report", Subject: what.subject, ArtifactKind: what.kind,
		Scanner: scan.Scanner{Name: "trivy", Version: Version}, Database: s.database, Scanned: s.request.Now.UTC(),
		Packages: []scan.Package{}, Findings: []scan.Finding{}, Secrets: []scan.Secret{},
	}
	if t.Metadata.OS != nil {
		r.OS = scan.OS{Family: string(t.Metadata.OS.Family), Name: t.Metadata.OS.Name}
	}
	for _, result := range t.Results {
		for _, p := range result.Packages {
			r.Packages = append(r.Packages, packageOf(result, p))
		}
		for _, v := range result.Vulnerabilities {
			r.Findings = append(r.Findings, findingOf(result, v))
		}
		for _, secret := range result.Secrets {
			r.Secrets = append(r.Secrets, secretOf(result, secret))
		}
	}
	sortReport(&r)
	return r
}

func packageOf(result types.Result, p ftypes.Package) scan.Package {
	return scan.Package{
		Type: string(result.Type), Name: p.Name, Version: utils.FormatVersion(p), Arch: p.Arch,
		Source: p.SrcName, SourceVersion: utils.FormatSrcVersion(p), Path: cmp.Or(p.FilePath, pathOf(result)),
		PURL: purl(p.Identifier), Licences: licences(p.Licenses),
	}
}

// pathOf is the file of a language's packages; the target of a
// distribution's packages is the artifact's name.
func pathOf(result types.Result) string {
	if result.Class != types.ClassLangPkg || !strings.Contains(result.Target, "/") {
		return ""
	}
	return result.Target
}

func purl(id ftypes.PkgIdentifier) string {
	if id.PURL == nil {
		return ""
	}
	return id.PURL.String()
}

// licences leaves out licences that Trivy has only the text of.
func licences(all []string) []string {
	var names []string
	for _, l := range all {
		if !strings.HasPrefix(l, licensing.LicenseTextPrefix) {
			names = append(names, l)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func findingOf(result types.Result, v types.DetectedVulnerability) scan.Finding {
	f := scan.Finding{
		ID: v.VulnerabilityID, Package: v.PkgName, Type: string(result.Type), Path: cmp.Or(v.PkgPath, pathOf(result)),
		PURL: purl(v.PkgIdentifier), Version: v.InstalledVersion, FixedVersion: v.FixedVersion, Status: v.Status.String(),
		Severity: scan.SeverityOf(v.Severity), Source: string(v.SeveritySource), Title: v.Title, URL: v.PrimaryURL,
	}
	if v.PublishedDate != nil {
		f.Published = v.PublishedDate.UTC()
	}
	return f
}

func secretOf(result types.Result, s types.DetectedSecret) scan.Secret {
	return scan.Secret{Rule: s.RuleID, Title: s.Title, Severity: scan.SeverityOf(s.Severity), Path: path.Join("/", result.Target), Line: s.StartLine}
}

func sortReport(r *scan.Report) {
	slices.SortFunc(r.Packages, func(a, b scan.Package) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Path, b.Path), cmp.Compare(a.PURL, b.PURL))
	})
	slices.SortFunc(r.Findings, func(a, b scan.Finding) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Package, b.Package), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Path, b.Path), cmp.Compare(a.PURL, b.PURL))
	})
	slices.SortFunc(r.Secrets, func(a, b scan.Secret) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Line, b.Line))
	})
	r.Secrets = slices.Compact(r.Secrets)
}
