package catalogue

import (
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/controls"
)

func TestLoadGivesTheSameEachTime(t *testing.T) {
	a, b := load(t), load(t)
	if !reflect.DeepEqual(a, b) || Markdown(a) != Markdown(b) {
		t.Error("two loads differ")
	}
}

func TestFor(t *testing.T) {
	cs := load(t)
	for _, artifact := range []string{controls.Container, controls.Disk} {
		one, two := controls.For(cs, artifact, 1), controls.For(cs, artifact, 2)
		if len(one) == 0 || len(two) < len(one) {
			t.Errorf("%s has %d controls of level 1 and %d up to 2", artifact, len(one), len(two))
		}
		for _, c := range two {
			if !slices.Contains(c.On, artifact) {
				t.Errorf("%s is not for a %s", c.ID, artifact)
			}
		}
	}
	if words := controls.KernelArguments(controls.For(cs, controls.Container, 2)); len(words) > 0 {
		t.Errorf("a container has kernel arguments %v", words)
	}
	one, two := controls.KernelArguments(controls.For(cs, controls.Disk, 1)), controls.KernelArguments(controls.For(cs, controls.Disk, 2))
	if !slices.IsSorted(two) || slices.Contains(one, "lockdown=integrity") || !slices.Contains(two, "lockdown=integrity") {
		t.Errorf("kernel arguments: %v and %v", one, two)
	}
}

// TestAllowedTakesNothing wants no control that takes from an app what its file
// allows, and each word of unless to be one that can be allowed.
func TestAllowedTakesNothing(t *testing.T) {
	cs := load(t)
	for _, word := range []string{"io-uring", "jit"} {
		all, fewer := controls.For(cs, controls.Disk, 2), controls.For(cs, controls.Disk, 2, word, "keyrings")
		if len(fewer) != len(all)-1 || slices.ContainsFunc(fewer, func(c controls.Control) bool { return c.Unless == word }) {
			t.Errorf("%s: %d controls of %d", word, len(fewer), len(all))
		}
	}
	for _, c := range cs {
		if c.Unless != "" && !slices.Contains(app.Allowances(), c.Unless) {
			t.Errorf("%s: no app can be allowed %s", c.ID, c.Unless)
		}
	}
}

// TestNothingTheDiskNeedsIsShut names the modules that a Bakelite disk cannot
// start without.
func TestNothingTheDiskNeedsIsShut(t *testing.T) {
	for _, c := range load(t) {
		for _, s := range c.Sets {
			for _, module := range []string{"squashfs", "overlay", "ext4", "dm-verity", "dm_verity", "vfat", "virtio_blk", "virtio_net", "nf_tables", "dmi_sysfs"} {
				if s.Kind == "module" && slices.Contains(s.Names, module) {
					t.Errorf("%s shuts %s", c.ID, module)
				}
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const good = `- id: BK-TEST-01
  title: A control of a test
  level: 1
  on: [disk]
  references: {kspp: [sysctls]}
  sets:
    - kind: sysctl
      values: {kernel.sysrq: "0"}
`
	if _, err := parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ old, new, want string }{
		{"title:", "titel:", "titel"},
		{"BK-TEST-01", "TEST-1", "the identifier is not like"},
		{"level: 1", "level: 3", "the level is 3"},
		{"on: [disk]", "on: [disk, container]", "in this order"},
		{"on: [disk]", "on: [container]", "for a disk only"},
		{"kspp", "rumour", `the source "rumour"`},
		{"{kspp: [sysctls]}", "{cis-docker: [four]}", "is not a number"},
		{"{kspp: [sysctls]}", "{}", "no reference"},
		{"kind: sysctl", "kind: sysctls", "there is no kind"},
		{"kind: sysctl", "kind: sysctl\n      path: /etc", "has no path"},
		{`values: {kernel.sysrq: "0"}`, "names: []", "needs values"},
		{`"0"`, `"0; reboot"`, "cannot have the values"},
		{"kind: sysctl\n      values: {kernel.sysrq: \"0\"}", "kind: absent\n      paths: [/etc/../x]", "cannot have the paths"},
		{"kind: sysctl\n      values: {kernel.sysrq: \"0\"}", "kind: absent\n      paths: [/etc/*/x]", "cannot have the paths"},
		{"kind: sysctl\n      values: {kernel.sysrq: \"0\"}", "kind: absent\n      paths: [/]", "cannot have the paths"},
		{good, good + good, "the identifier is taken"},
		{good, good + strings.NewReplacer("01", "02", `"0"`, `"1"`).Replace(good), "claims the key"},
		{good, good + strings.NewReplacer("01", "02", "  level", "  where: /usr\n  level", "sysrq", "x").Replace(good), "claims the file"},
	} {
		_, err := parse([]byte(strings.Replace(good, test.old, test.new, 1)))
		if err == nil || !strings.Contains(err.Error(), test.want) || fault.KindOf(err) != fault.Internal {
			t.Errorf("%q instead of %q: the error is %v", test.new, test.old, err)
		}
	}
}

func update() bool { return flag.Lookup("update").Value.String() == "true" }

func init() { flag.Bool("update", false, "write docs/controls.md and docs/hardening.md") }

func TestDocumentsAreUpToDate(t *testing.T) {
	benchmarks, err := Benchmarks(load(t))
	must(t, err)
	for file, want := range map[string]string{"controls.md": Markdown(load(t)), "hardening.md": HardeningMarkdown(benchmarks)} {
		file = "../../../docs/" + file
		if update() {
			must(t, os.WriteFile(file, []byte(want), 0o644))
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s is out of date (%v); run go test ./scan/controls/catalogue -update", file, err)
		}
	}
}

func TestBenchmarkRefuses(t *testing.T) {
	const good = "source: cis-docker\nscope: All of it.\nrecommendations:\n  - section: \"4.8\"\n    title: A title\n    status: applied\n    controls: [BK-FS-01]\n"
	if b, err := parseBenchmark([]byte(good), load(t)); err != nil || !strings.Contains(HardeningMarkdown([]Benchmark{b}), "* 1 applied by") {
		t.Fatal(b, err)
	}
	for _, test := range []struct{ old, new, want string }{
		{"cis-docker", "rumour", "rumour"},
		{"scope: All of it.\n", "", "does not say which parts"},
		{"BK-FS-01", "BK-FS-99", "4.8: there is no control BK-FS-99"},
		{"status: applied", "status: done", "there is no status done"},
		{"status: applied", "status: gap", "go together"},
		{"    status: applied\n    controls: [BK-FS-01]\n", "    status: gap\n", "does not say why"},
		{"title: A title", "titel: A title", "titel"},
		{"recommendations:\n", "recommendations:\n  - {section: \"4.8\", title: x, status: gap, why: x}\n", "twice"},
	} {
		_, err := parseBenchmark([]byte(strings.Replace(good, test.old, test.new, 1)), load(t))
		if fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q instead of %q: %v", test.new, test.old, err)
		}
	}
}

func load(t *testing.T) []controls.Control {
	t.Helper()
	cs, err := Load()
	must(t, err)
	return cs
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestEveryPointOfTheAudit: each of its eleven points has an outcome, and one
// that is not met has its reason.
func TestEveryPointOfTheAudit(t *testing.T) {
	all, err := Benchmarks(load(t))
	must(t, err)
	said := map[string]bool{}
	for _, r := range all[slices.IndexFunc(all, func(b Benchmark) bool { return b.Source == "audit" })].Recommendations {
		point, _, _ := strings.Cut(r.Section, ".")
		said[point] = true
		if r.Status != "applied" && len(r.Why) < 20 {
			t.Errorf("%s: %q is no reason", r.Section, r.Why)
		}
	}
	if len(said) != 11 {
		t.Errorf("of eleven points these are told: %v", said)
	}
}
