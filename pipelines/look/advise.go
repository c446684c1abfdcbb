package look

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/protocol"
)

// Advise says which known vulnerabilities packages of a distribution have, by
// the list of them alone: nothing is fetched or unpacked but the database.
// Each list gets a report; the versions of a package in it may differ. The
// errors are those of the database and of the scanner.
func (r Reader) Advise(ctx context.Context, lists []scan.Report) ([]scan.Report, error) {
	work, err := os.MkdirTemp("", "bakelite-advise-*")
	if err != nil {
		return nil, fmt.Errorf("making work folder: %w", err)
	}
	defer os.RemoveAll(work)
	var roots []protocol.Root
	for i, l := range lists {
		path := filepath.Join(work, strconv.Itoa(i)+".cdx.json")
		text, err := json.Marshal(bill(l))
		if err != nil {
			return nil, fmt.Errorf("writing list of packages: %w", err)
		}
		if err := results.WriteFile(path, text); err != nil {
			return nil, err
		}
		roots = append(roots, protocol.Root{Name: l.OS.Family + " " + l.OS.Name, Kind: protocol.SBOM, Path: path})
	}
	db, err := r.Examiner.Database(ctx)
	if err != nil {
		return nil, err
	}
	seen, err := r.Examiner.Scan(ctx, roots, db)
	if err != nil {
		return nil, err
	}
	reports := make([]scan.Report, len(seen))
	for i, s := range seen {
		reports[i] = s.Report
		// A package that was passed over would look as if nothing was known of it.
		if len(s.Report.Packages) != len(lists[i].Packages) {
			return nil, fault.New(fault.Internal, "the scanner knows %d packages of %d that it was asked about", len(s.Report.Packages), len(lists[i].Packages))
		}
	}
	return reports, nil
}

// bill is a CycloneDX document (1.6) of a distribution's packages, as far as
// the scanner reads it.
func bill(l scan.Report) map[string]any {
	type property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	var components []map[string]any
	var refs []string
	for i, p := range l.Packages {
		epoch, upstream, revision := versionParts(p.SourceVersion)
		ref := strconv.Itoa(i)
		refs = append(refs, ref)
		components = append(components, map[string]any{
			"bom-ref": ref, "type": "library", "name": p.Name, "version": p.Version,
			"purl": purl(l.OS.Family, p),
			"properties": []property{
				{"aquasecurity:trivy:SrcName", p.Source}, {"aquasecurity:trivy:SrcEpoch", epoch},
				{"aquasecurity:trivy:SrcVersion", upstream}, {"aquasecurity:trivy:SrcRelease", revision},
			},
		})
	}
	system := map[string]any{"bom-ref": "os", "type": "operating-system", "name": l.OS.Family, "version": l.OS.Name}
	return map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": append(components, system),
		"dependencies": []map[string]any{{"ref": "os", "dependsOn": refs}},
	}
}

// purl is a package's URL, with the epoch apart, as the scanner has it.
func purl(distribution string, p scan.Package) string {
	epoch, version, ok := strings.Cut(p.Version, ":")
	if !ok {
		epoch, version = "0", p.Version
	}
	return fmt.Sprintf("pkg:deb/%s/%s@%s?arch=%s&epoch=%s", distribution, url.PathEscape(p.Name), url.PathEscape(version), p.Arch, epoch)
}

// versionParts splits a version by Debian Policy 5.6.12.
func versionParts(v string) (epoch, upstream, revision string) {
	epoch, upstream, ok := strings.Cut(v, ":")
	if !ok {
		epoch, upstream = "0", v
	}
	if at := strings.LastIndexByte(upstream, '-'); at >= 0 {
		upstream, revision = upstream[:at], upstream[at+1:]
	}
	return epoch, upstream, revision
}
