package look

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/protocol"
)

// Difference is what is not the same in two artifacts.
type Difference struct {
	A string `json:"a"`
	B string `json:"b"`
	// Packages, Findings, Controls and Files are sorted by name.
	Packages []Differs `json:"packages"`
	Findings []Differs `json:"findings"`
	Controls []Differs `json:"hardening"`
	Files    []Differs `json:"files"`
}

// Differs is one thing that A and B have in another form, or only one has.
type Differs struct {
	Name string `json:"name"`
	// A and B say what each has; "" is nothing.
	A string `json:"a,omitempty"`
	B string `json:"b,omitempty"`
}

// Same says whether no difference was found.
func (d Difference) Same() bool {
	return len(d.Packages)+len(d.Findings)+len(d.Controls)+len(d.Files) == 0
}

// Compare says how two artifacts differ. Files are compared where both were
// listed.
func Compare(a, b Inspected, filesA, filesB map[string]string) Difference {
	return Difference{
		A: a.Name, B: b.Name,
		Packages: differ(packagesOf(a.Report), packagesOf(b.Report)),
		Findings: differ(findingsOf(a.Report), findingsOf(b.Report)),
		Controls: differ(controlsOf(a), controlsOf(b)),
		Files:    differ(filesA, filesB),
	}
}

func differ(a, b map[string]string) []Differs {
	found := []Differs{}
	both := maps.Clone(a)
	if both == nil {
		both = map[string]string{}
	}
	maps.Copy(both, b)
	for name := range both {
		if a[name] != b[name] {
			found = append(found, Differs{Name: name, A: a[name], B: b[name]})
		}
	}
	slices.SortFunc(found, func(x, y Differs) int { return cmp.Compare(x.Name, y.Name) })
	return found
}

func packagesOf(r *scan.Report) map[string]string {
	all := map[string]string{}
	if r == nil {
		return all
	}
	for _, p := range r.Packages {
		name := strings.Join(slices.DeleteFunc([]string{p.Type, p.Path, p.Name}, func(s string) bool { return s == "" }), " ")
		if all[name] != "" {
			all[name] += ", "
		}
		all[name] += p.Version
	}
	return all
}

func findingsOf(r *scan.Report) map[string]string {
	all := map[string]string{}
	if r == nil {
		return all
	}
	for _, f := range r.Findings {
		said := f.Severity
		if f.FixedVersion != "" {
			said += ", fixed in " + f.FixedVersion
		}
		all[f.ID+" "+f.Package] = said
	}
	return all
}

func controlsOf(i Inspected) map[string]string {
	all := map[string]string{}
	if i.Tests == nil {
		return all
	}
	for _, c := range i.Tests.Controls() {
		all[c.ID] = "holds"
		if !c.Passed {
			all[c.ID] = "fails"
		}
	}
	return all
}

// Diff compares two artifacts by what is stated about them; what nobody
// states is scanned.
func (r Reader) Diff(ctx context.Context, a, b string, files bool) (Difference, error) {
	var both [2]Inspected
	var listed [2]map[string]string
	for i, name := range []string{a, b} {
		var err error
		if both[i], err = r.inspectOrScan(ctx, name); err != nil {
			return Difference{}, err
		}
		if files {
			if listed[i], err = r.files(ctx, name); err != nil {
				return Difference{}, err
			}
		}
	}
	return Compare(both[0], both[1], listed[0], listed[1]), nil
}

// inspectOrScan inspects an artifact and scans it where it comes without a report.
func (r Reader) inspectOrScan(ctx context.Context, name string) (Inspected, error) {
	i := Inspected{Name: name}
	t, err := r.Find(ctx, name)
	if err == nil {
		i, err = r.Inspect(ctx, t)
	}
	if err != nil || i.Report != nil {
		return i, err
	}
	seen, err := r.Scan(ctx, name)
	i.Report = &seen.Report
	return i, err
}

// files returns what the files of an artifact are, by path: of its content, as
// it is fetched, whoever vouches for an SBOM.
func (r Reader) files(ctx context.Context, name string) (map[string]string, error) {
	work, err := os.MkdirTemp("", "bakelite-list-*")
	if err != nil {
		return nil, fmt.Errorf("making work folder: %w", err)
	}
	defer os.RemoveAll(work)
	root, _, err := r.rootOf(ctx, name, work, content)
	if err != nil {
		return nil, err
	}
	files, err := r.Examiner.Scanner.List(ctx, []protocol.Root{root})
	if err != nil {
		return nil, err
	}
	return files[0], nil
}
