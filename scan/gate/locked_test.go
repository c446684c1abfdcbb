package gate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

// lockedInput is an artifact with glibc from a base image, a package in two
// architectures, one that was trimmed and one of a language.
func lockedInput() gate.Input {
	in := input()
	glibc := scan.Package{Name: "libc6", Version: "2.41-12", Arch: "amd64", Source: "glibc", SourceVersion: "2.41-12"}
	other := glibc
	other.Arch = "i386"
	in.Locked.Packages = append(in.Locked.Packages, glibc, other,
		scan.Package{Name: "bash", Version: "5.2-1", Arch: "amd64", Source: "bash", SourceVersion: "5.2-1"})
	in.Locked.Trimmed = []string{"bash", "dash"}
	for _, p := range []scan.Package{glibc, other} {
		p.Type = "debian"
		in.Report.Packages = append(in.Report.Packages, p)
	}
	in.Report.Packages = append(in.Report.Packages, scan.Package{Type: "gobinary", Name: "stdlib", Version: "1.26", Path: "/usr/bin/tool"})
	return in
}

// TestForgedPackageDatabase judges reports of images whose own account of
// themselves was changed, with a finding that this would hide.
func TestForgedPackageDatabase(t *testing.T) {
	each := func(name string, change func(p *scan.Package)) func(*scan.Report) {
		return func(r *scan.Report) {
			for i := range r.Packages {
				if r.Packages[i].Name == name {
					change(&r.Packages[i])
				}
			}
		}
	}
	drop := func(names ...string) func(*scan.Report) {
		return func(r *scan.Report) {
			r.Packages = slices.DeleteFunc(r.Packages, func(p scan.Package) bool { return slices.Contains(names, p.Name) })
		}
	}
	raised := each("libc6", func(p *scan.Package) { p.Version, p.SourceVersion = "9999", "9999" })
	tests := []struct {
		name   string
		change func(*scan.Report)
		saw    string // what the rule report says; "" passes
	}{
		{"nothing", func(*scan.Report) {}, ""},
		{"an emptied package database", func(r *scan.Report) { r.Packages = []scan.Package{} }, "lists no package"},
		{"an emptied package database beside a program", drop("openssl", "telnet", "libc6"), "4 are missing or differ"},
		{"a dropped stanza", drop("openssl"), "1 are missing or differ"},
		{"a dropped stanza of one architecture", func(r *scan.Report) {
			r.Packages = slices.DeleteFunc(r.Packages, func(p scan.Package) bool { return p.Arch == "i386" })
		}, "1 are missing or differ"},
		{"a raised version", raised, "2 are missing or differ"},
		{"a raised source version", each("libc6", func(p *scan.Package) { p.SourceVersion = "9999" }), "2 are missing or differ"},
		{"another source", each("libc6", func(p *scan.Package) { p.Source = "harmless" }), "2 are missing or differ"},
		{"another architecture", each("openssl", func(p *scan.Package) { p.Arch = "arm64" }), "1 are missing or differ"},
		{"a package of a language in its place", each("openssl", func(p *scan.Package) { p.Type = "npm" }), "1 are missing or differ"},
		{"a trimmed package of another version", func(r *scan.Report) {
			r.Packages = append(r.Packages, scan.Package{Type: "debian", Name: "bash", Version: "9999", Arch: "amd64"})
		}, "1 are missing or differ"},
		{"a trimmed package that stayed", func(r *scan.Report) {
			r.Packages = append(r.Packages, scan.Package{Type: "debian", Name: "bash", Version: "5.2-1", Arch: "amd64"})
		}, ""},
		{"an epoch that is left out", each("telnet", func(p *scan.Package) { p.Version = "0:0.17" }), ""},
		{"another release", func(r *scan.Report) { r.OS.Name = "99.0" }, `"debian" "99.0", and the lock's packages are of debian 13`},
		{"no release", func(r *scan.Report) { r.OS = scan.OS{} }, "of debian 13"},
		{"another distribution", func(r *scan.Report) { r.OS = scan.OS{Family: "alpine", Name: "13"} }, "of debian 13"},
		{"a release that begins like it", func(r *scan.Report) { r.OS.Name = "13 0.1" }, "of debian 13"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := lockedInput()
			// What would be waved through otherwise: nothing waives it, in any mode.
			in.Policy.Gate.Mode, in.Policy.Waivers = policy.ReportOnly, []policy.Waiver{waiver(policy.RuleReport)}
			tt.change(in.Report)
			v, passed, ok := gate.Judge(in)
			rule := ruleOf(t, v, policy.RuleReport)
			if tt.saw == "" {
				if !ok || rule.Outcome != gate.Pass {
					t.Errorf("it did not pass: %+v", rule)
				}
				return
			}
			if ok || passed.Digest() != "" || v.Outcome != gate.OutcomeFailed || rule.Outcome != gate.Fail || !strings.Contains(rule.Saw, tt.saw) {
				t.Errorf("outcome %s, passed %v: %+v", v.Outcome, ok, rule)
			}
			if text := v.Err().Error(); !strings.Contains(text, policy.RuleReport) {
				t.Errorf("the error is %s", text)
			}
		})
	}
}

// TestUnlockedPackages: what a step installed is a finding of its own, unless
// it is waived or allowed.
func TestUnlockedPackages(t *testing.T) {
	added := scan.Package{Type: "debian", Name: "docker-ce", Version: "5:28", Arch: "amd64", Source: "docker-ce", SourceVersion: "5:28"}
	waived := waiver(policy.RuleUnlocked)
	waived.Package = added.Name
	for name, tt := range map[string]struct {
		change  func(*gate.Input)
		outcome string
	}{
		"none":   {func(in *gate.Input) { in.Report.Packages = in.Report.Packages[:len(in.Report.Packages)-1] }, gate.Pass},
		"one":    {func(*gate.Input) {}, gate.Fail},
		"waived": {func(in *gate.Input) { in.Policy.Waivers = []policy.Waiver{waived} }, gate.Waived},
		"another one is waived": {func(in *gate.Input) {
			waived := waived
			waived.Package = "x"
			in.Policy.Waivers = []policy.Waiver{waived}
		}, gate.Fail},
		"allowed": {func(in *gate.Input) { in.Policy.Gate.AllowUnlockedPackages = true }, gate.NotAsked},
		"a second version of a locked one": {func(in *gate.Input) {
			in.Policy.Waivers = []policy.Waiver{waived}
			in.Report.Packages = append(in.Report.Packages, scan.Package{Type: "debian", Name: "openssl", Version: "9999", Arch: "amd64"})
		}, gate.Fail},
	} {
		t.Run(name, func(t *testing.T) {
			in := lockedInput()
			in.Report.Packages = append(in.Report.Packages, added)
			tt.change(&in)
			v, _, ok := gate.Judge(in)
			if rule := ruleOf(t, v, policy.RuleUnlocked); rule.Outcome != tt.outcome || ok != (tt.outcome != gate.Fail) {
				t.Errorf("passed %v: %+v", ok, rule)
			}
		})
	}
}

// TestWithoutLock: what nobody locked is judged by the rest and never proven;
// where a lock was forgotten nothing passes.
func TestWithoutLock(t *testing.T) {
	in := input()
	in.Locked = nil
	if v, _, ok := gate.Judge(in); ok || v.Outcome != gate.OutcomeFailed || !strings.Contains(ruleOf(t, v, policy.RuleReport).Saw, "no lock") {
		t.Errorf("without a lock: passed %v, %s", ok, v.Outcome)
	}
	in.Unlocked = true
	v, passed, ok := gate.Judge(in)
	if ok || passed.Digest() != "" || v.Outcome != gate.OutcomePassed || !strings.Contains(ruleOf(t, v, policy.RuleReport).Saw, "no lock was there") {
		t.Errorf("of what has no lock: proof %v, %s", ok, v.Outcome)
	}
	if rule := ruleOf(t, v, policy.RuleUnlocked); rule.Outcome != gate.NotAsked {
		t.Errorf("of what has no lock: %+v", rule)
	}
}

// TestWithoutAppFile: where nobody says what the app file asks for, nothing is
// proven, whatever the rest is like.
func TestWithoutAppFile(t *testing.T) {
	in := input()
	in.Asked = nil
	if v, passed, ok := gate.Judge(in); ok || passed.Digest() != "" || v.Outcome != gate.OutcomePassed {
		t.Errorf("proof %v, %s", ok, v.Outcome)
	}
}
