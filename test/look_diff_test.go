package test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/look"
)

// difference is what diff --json says, in no other form than the documented.
func (s shop) difference(args ...string) look.Difference {
	s.t.Helper()
	o := s.run(append([]string{"diff", "--json"}, args...)...).want(s.t, 0)
	decoder := json.NewDecoder(strings.NewReader(o.stdout))
	decoder.DisallowUnknownFields()
	var d look.Difference
	if err := decoder.Decode(&d); err != nil {
		s.t.Fatalf("reading stdout: %v\n%s", err, o.stdout)
	}
	return d
}

// TestDiff compares two versions of a container, of which one was not tested,
// by what is stated about them and by their files, and two disks of which
// nothing is stated.
func TestDiff(t *testing.T) {
	s := branch(t)
	shelf := registry.LayoutPrefix + filepath.Join(folder(t), "shelf")
	a := openShop(t).sold("--registry", shelf, "--version", "1.0").Ref
	s.replace("app.yaml", "[nginx]", "[nginx, pwgen]")
	s.replace("site/index.html", "Set hard", "Set harder")
	known := filepath.Join(folder(t), "db")
	makeDatabase(t, known, databaseTime(), `[{"package": "pwgen", "id": "CVE-2026-0003", "fixed": "", "severity": "low"}]`)
	b := s.sold("--registry", shelf, "--database", known, "--skip-tests", "--policy", s.policy("gate: {allowSkippedTests: true}\n")).Ref

	t.Run("containers", func(t *testing.T) {
		s.t = t
		d := s.difference("--files", "--database", s.database, a, b)
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
		back := s.difference("--database", s.database, b, a)
		if more := one(back.Packages, "debian pwgen"); more.A == "" || more.B != "" || len(back.Packages) != len(d.Packages) || len(back.Files) != 0 {
			t.Errorf("the other way round, without --files: %+v", back)
		}
		s.run("diff", "--files", "--database", s.database, a, b).want(t, 0).says(t,
			"--- "+a+"\n+++ "+b+"\n", "packages: ", "  + debian pwgen ", "findings: 1\n  + CVE-2026-0003 pwgen low\n", "files: ", "  ~ /srv/web/index.html ")
		s.run("diff", "--database", s.database, a, a).want(t, 0).says(t, "no difference\n")
	})
	t.Run("disks", func(t *testing.T) {
		first, other := firstBake(t).outcome.result(t), newSite(t)
		other.replace("site/index.html", "Set hard", "Set harder")
		r := other.run("build", "--json", "--skip-tests", "--target", "disk", "web").result(t)
		s.t = t
		old, changed := firstBake(t).path(first.artifact(t, "qcow2")), other.path(r.artifact(t, "qcow2"))
		d := s.difference("--files", "--database", s.database, old, changed)
		if len(d.Packages)+len(d.Findings)+len(d.Controls) != 0 || !slices.ContainsFunc(d.Files, func(d look.Differs) bool {
			return d.Name == "/srv/web/index.html" && d.A != "" && d.B != "" && d.A != d.B
		}) {
			t.Errorf("the disks differ in %+v", d)
		}
	})
	t.Run("mistakes", func(t *testing.T) {
		s.t = t
		s.run("diff", a).want(t, 2, "next:")
		s.run("diff", a, filepath.Join(s.out, "none.qcow2")).want(t, 3, "none.qcow2", "next:")
	})
}
