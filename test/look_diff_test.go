package test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/test/harness"
)

// difference is what diff --json says, in no other form than the documented.
func difference(s harness.Shop, args ...string) look.Difference {
	s.T.Helper()
	o := s.Run(append([]string{"diff", "--json"}, args...)...).Want(s.T, 0)
	decoder := json.NewDecoder(strings.NewReader(o.Stdout))
	decoder.DisallowUnknownFields()
	var d look.Difference
	if err := decoder.Decode(&d); err != nil {
		s.T.Fatalf("reading stdout: %v\n%s", err, o.Stdout)
	}
	return d
}

// TestDiff compares two versions of a container, of which one was not tested,
// by what is stated about them and by their files, and two disks of which
// nothing is stated.
func TestDiff(t *testing.T) {
	s := harness.Branch(t)
	shelf := registry.LayoutPrefix + filepath.Join(harness.Folder(t), "shelf")
	a := harness.OpenShop(t).Sold("--registry", shelf, "--version", "1.0").Ref
	s.Replace("app.yaml", "[nginx]", "[nginx, pwgen]")
	s.Replace("site/index.html", "Set hard", "Set harder")
	known := filepath.Join(harness.Folder(t), "db")
	harness.MakeDatabase(t, known, harness.DatabaseTime(), `[{"package": "pwgen", "id": "CVE-2026-0003", "fixed": "", "severity": "low"}]`)
	b := s.Sold("--registry", shelf, "--database", known, "--skip-tests", "--policy", s.Policy("gate: {allowSkippedTests: true}\n")).Ref

	t.Run("containers", func(t *testing.T) {
		s.T = t
		d := difference(s, "--files", "--database", s.Database, a, b)
		if d.A != a || d.B != b || d.Same() {
			t.Errorf("compared are %s and %s", d.A, d.B)
		}
		one := func(all []look.Differs, name string) look.Differs {
			t.Helper()
			at := slices.IndexFunc(all, func(d look.Differs) bool { return d.Name == name })
			if at < 0 {
				t.Fatalf("%s is not in %+v", name, all)
			}
			return all[at]
		}
		if more := one(d.Packages, "debian pwgen"); more.A != "" || more.B == "" {
			t.Errorf("packages: %+v", d.Packages)
		}
		if len(d.Findings) != 1 || d.Findings[0] != (look.Differs{Name: "CVE-2026-0003 pwgen", B: "low"}) {
			t.Errorf("findings: %+v", d.Findings)
		}
		if page := one(d.Files, "/srv/web/index.html"); page.A == "" || page.B == "" || page.A == page.B {
			t.Errorf("the page: %+v", page)
		}
		if program := one(d.Files, "/usr/bin/pwgen"); program.A != "" || program.B == "" {
			t.Errorf("the program: %+v", program)
		}
		if len(d.Controls) != 0 { // it is checked on what ships, tested or not
			t.Errorf("hardening: %+v", d.Controls)
		}
		back := difference(s, "--database", s.Database, b, a)
		if more := one(back.Packages, "debian pwgen"); more.A == "" || more.B != "" || len(back.Packages) != len(d.Packages) || len(back.Files) != 0 {
			t.Errorf("the other way round, without --files: %+v", back)
		}
		s.Run("diff", "--files", "--database", s.Database, a, b).Want(t, 0).Says(t,
			"--- "+a+"\n+++ "+b+"\n", "packages: ", "  + debian pwgen ", "findings: 1\n  + CVE-2026-0003 pwgen low\n", "files: ", "  ~ /srv/web/index.html ")
		s.Run("diff", "--database", s.Database, a, a).Want(t, 0).Says(t, "no difference\n")
	})
	t.Run("disks", func(t *testing.T) {
		first, other := harness.FirstBake(t).Outcome.Result(t), harness.NewSite(t)
		other.Replace("site/index.html", "Set hard", "Set harder")
		r := other.Run("build", "--json", "--skip-tests", "--target", "disk", "web").Result(t)
		s.T = t
		old, changed := harness.FirstBake(t).Path(first.Artifact(t, "qcow2")), other.Path(r.Artifact(t, "qcow2"))
		d := difference(s, "--files", "--database", s.Database, old, changed)
		if len(d.Packages)+len(d.Findings)+len(d.Controls) != 0 || !slices.ContainsFunc(d.Files, func(d look.Differs) bool {
			return d.Name == "/srv/web/index.html" && d.A != "" && d.B != "" && d.A != d.B
		}) {
			t.Errorf("the disks differ in %+v", d)
		}
	})
	t.Run("mistakes", func(t *testing.T) {
		s.T = t
		s.Run("diff", a).Want(t, 2, "next:")
		s.Run("diff", a, filepath.Join(s.Out, "none.qcow2")).Want(t, 3, "none.qcow2", "next:")
	})
}
