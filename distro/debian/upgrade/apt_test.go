package upgrade_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/distro/debian/catalog"
	"github.com/bakelite/bakelite/distro/debian/upgrade"
)

// sets is how many package sets are compared with apt's own answer.
const sets = 300

// TestAgainstApt makes package sets and archives by chance and compares what is
// said to be behind with what this machine's apt-get would do. Nothing that
// apt upgrades may be missing; and where nothing is left to apt's resolver,
// all that is said must come true, and nothing else.
func TestAgainstApt(t *testing.T) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Fatal("this machine has no apt-get to compare with")
	}
	t.Parallel()
	decided, current, upgraded := 0, 0, 0
	for n := range sets {
		r := rand.New(rand.NewPCG(20261128, uint64(n)))
		w := generate(r)
		got := w.compare()
		want := w.apt(t)
		ours := map[string]string{}
		for _, c := range got.Changes {
			if c.State == upgrade.Newer || c.State == upgrade.Added {
				ours[c.Name] = c.From + " -> " + c.To
			}
		}
		for name, change := range want.installed {
			if ours[name] != change && (len(got.Undecided) == 0 || !strings.HasPrefix(change, " ->")) {
				t.Errorf("set %d: apt takes %s %s, and we say %q; undecided: %q", n, name, change, ours[name], got.Undecided)
			}
		}
		if len(got.Undecided) > 0 {
			continue
		}
		if want.refused {
			t.Errorf("set %d: apt finds no way, and we say %q", n, ours)
			continue
		}
		decided++
		upgraded += len(ours)
		if len(ours) == 0 {
			current++
		}
		if !maps.Equal(ours, want.installed) || len(want.removed) > 0 {
			t.Errorf("set %d: we say %q, apt does %q and removes %q", n, ours, want.installed, want.removed)
		}
	}
	t.Logf("%d of %d sets decided without apt: %d current, %d changes", decided, sets, current, upgraded)
	if decided < sets*2/3 || decided == sets || current < 20 || upgraded < sets {
		t.Errorf("the sets are not worth much: %d decided, %d current, %d changes", decided, current, upgraded)
	}
}

// generated is a system and the archive that it is compared with.
type generated struct {
	installed []catalog.Package
	suites    [3]suite
}

type suite struct {
	name     string
	packages []catalog.Package
	// release are lines that its Release file has.
	release  string
	priority int
}

// compare says what we say.
func (g generated) compare() upgrade.Result {
	var suites []upgrade.Suite
	for _, s := range g.suites {
		var file bytes.Buffer
		if err := catalog.Write(&file, s.packages); err != nil {
			panic(err)
		}
		c, err := catalog.Read(&file, int64(file.Len()))
		if err != nil {
			panic(err)
		}
		suites = append(suites, upgrade.Suite{Priority: s.priority, Packages: c})
	}
	set := upgrade.Set{Whole: true, System: true}
	for _, p := range g.installed {
		set.Packages = append(set.Packages, upgrade.Installed{Name: p.Name, Arch: p.Arch, Version: p.Version, SHA256: hex.EncodeToString([]byte(p.SHA256))})
	}
	return upgrade.New(suites).Compare(set)
}

// answer is what apt would do.
type answer struct {
	installed map[string]string
	removed   []string
	// refused says that apt found no way.
	refused bool
}

var inst = regexp.MustCompile(`(?m)^(Inst|Remv) (\S+)(?: \[([^]]+)\])?(?: \(([^ )]+))?`)

// apt asks apt-get, which reads the archives from files alone.
func (g generated) apt(t *testing.T) answer {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var sources, status strings.Builder
	for _, s := range g.suites {
		base := "lists/archive.invalid_debian_dists_" + s.name + "_"
		write(base+"InRelease", "Codename: "+s.name+"\nSuite: "+s.name+"\nArchitectures: amd64\nComponents: main\n"+s.release)
		var packages strings.Builder
		for _, p := range s.packages {
			packages.WriteString(stanza(p, ""))
		}
		write(base+"main_binary-amd64_Packages", packages.String())
		fmt.Fprintf(&sources, "deb [arch=amd64 trusted=yes] http://archive.invalid/debian %s main\n", s.name)
	}
	for _, p := range g.installed {
		status.WriteString(stanza(p, "Status: install ok installed\n"))
	}
	write("status", status.String())
	write("etc/sources.list", sources.String())
	write("apt.conf", fmt.Sprintf(`APT::Architecture "amd64"; APT::Architectures "amd64"; APT::Install-Recommends "false";
		Debug::NoLocking "true"; Dir "%[1]s"; Dir::State "%[1]s"; Dir::State::status "%[1]s/status"; Dir::State::lists "%[1]s/lists";
		Dir::Cache "%[1]s/cache"; Dir::Etc "%[1]s/etc"; Dir::Log "%[1]s"; Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";`, dir))
	c := exec.Command("apt-get", "--simulate", "--quiet", "dist-upgrade")
	c.Env = []string{"APT_CONFIG=" + filepath.Join(dir, "apt.conf"), "LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	out, err := c.CombinedOutput()
	a := answer{installed: map[string]string{}}
	if err != nil {
		if a.refused = strings.Contains(string(out), "unmet dependencies"); !a.refused {
			t.Fatalf("apt-get: %v\n%s", err, out)
		}
		return a
	}
	for _, m := range inst.FindAllStringSubmatch(string(out), -1) {
		if m[1] == "Remv" {
			a.removed = append(a.removed, m[2])
			continue
		}
		a.installed[m[2]] = m[3] + " -> " + m[4]
	}
	return a
}

func stanza(p catalog.Package, more string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Package: %s\n%sVersion: %s\nArchitecture: %s\nMaintainer: x\nDescription: x\n", p.Name, more, p.Version, p.Arch)
	for _, field := range [][2]string{{"Depends", p.Depends}, {"Pre-Depends", p.PreDepends}, {"Conflicts", p.Conflicts}, {"Breaks", p.Breaks}, {"Provides", p.Provides}} {
		if field[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n", field[0], field[1])
		}
	}
	if p.Essential {
		b.WriteString("Essential: yes\n")
	}
	if more == "" {
		fmt.Fprintf(&b, "Filename: pool/%s.deb\nSize: %d\nSHA256: %x\n", p.Name, p.Size, p.SHA256)
	}
	return b.String() + "\n"
}

// generate makes a system that holds together and an archive that has moved
// on from it.
func generate(r *rand.Rand) generated {
	g := generated{suites: [3]suite{{name: "trixie", priority: 500}, {name: "trixie-updates", priority: 500}, {name: "trixie-security", priority: 500}}}
	if r.IntN(8) == 0 {
		g.suites[1].release, g.suites[1].priority = "NotAutomatic: yes\n", 1
		if r.IntN(2) == 0 {
			g.suites[1].release, g.suites[1].priority = "NotAutomatic: yes\nButAutomaticUpgrades: yes\n", 100
		}
	}
	count := 5 + r.IntN(30)
	for i := range count {
		g.installed = append(g.installed, sealed(catalog.Package{
			Name: fmt.Sprintf("p%02d", i), Arch: pick(r, "amd64", "amd64", "all"), Version: version(r),
			Essential: r.IntN(6) == 0, Depends: needs(r, g.installed), Provides: pick(r, "", "", "", "virtual"+string(rune('a'+r.IntN(4)))),
		}))
	}
	rate := pick(r, 0, 5, 30, 80) // how many of a hundred move
	for _, p := range g.installed {
		g.move(r, p, rate)
	}
	if rate > 0 && r.IntN(6) == 0 {
		g.suites[0].packages = append(g.suites[0].packages, sealed(catalog.Package{Name: "freshly-essential", Arch: "all", Version: "1", Essential: true}))
	}
	for i := range g.suites {
		r.Shuffle(len(g.suites[i].packages), func(a, b int) {
			all := g.suites[i].packages
			all[a], all[b] = all[b], all[a]
		})
	}
	return g
}

// move puts a package into the archive as it was or as it is now.
func (g *generated) move(r *rand.Rand, p catalog.Package, rate int) {
	put := func(n int, p catalog.Package) { g.suites[n].packages = append(g.suites[n].packages, sealed(p)) }
	if r.IntN(100) >= rate {
		put(0, p)
		if r.IntN(5) == 0 { // an older or equal one elsewhere changes nothing
			old := p
			old.Version = pick(r, "0", "0~", p.Version)
			put(1+r.IntN(2), old)
		}
		return
	}
	next := p
	next.Version = bump(r, p.Version)
	switch r.IntN(110) {
	case 0:
		return // gone
	case 1:
		next.Depends = "there-is-no-such-package"
	case 2:
		next.Depends = strings.Trim(p.Depends+", freshly-needed", ", ")
		put(0, catalog.Package{Name: "freshly-needed", Arch: "amd64", Version: version(r)})
	case 3:
		next.Conflicts = g.installed[r.IntN(len(g.installed))].Name
	case 4:
		next.Breaks = g.installed[r.IntN(len(g.installed))].Name + " (<< 99:1)"
	case 5:
		next.Depends = "one-of-two | other-of-two"
		put(0, catalog.Package{Name: "one-of-two", Arch: "amd64", Version: "1"})
		put(0, catalog.Package{Name: "other-of-two", Arch: "amd64", Version: "1"})
	case 6:
		next.Version = version(r) // up, down or the same
	case 7:
		next.Depends = "virtual" + string(rune('a'+r.IntN(4))) + " (>= 0)" // nothing provides it with a version
	case 8:
		next.Depends = "made-by-two"
		put(0, catalog.Package{Name: "z-maker", Arch: "amd64", Version: "1", Provides: "made-by-two"})
		put(0, catalog.Package{Name: "a-maker", Arch: "amd64", Version: "1", Provides: "made-by-two", Depends: next.Name})
	case 9:
		next.Depends = "made-by-one (>= 2)"
		put(0, catalog.Package{Name: "maker", Arch: "amd64", Version: "1", Provides: "made-by-one (= 2.1)"})
	}
	if r.IntN(2) == 0 {
		put(0, p) // security has the new one, the release the old
	}
	put(r.IntN(3), next)
	if r.IntN(6) == 0 {
		last := next
		last.Version = bump(r, next.Version)
		put(r.IntN(3), last)
	}
}

// sealed gives a package a digest that its content decides.
func sealed(p catalog.Package) catalog.Package {
	sum := sha256.Sum256([]byte(fmt.Sprint(p.Name, p.Version, p.Arch, p.Depends, p.Conflicts, p.Breaks, p.Provides)))
	p.SHA256, p.Size = string(sum[:]), int64(len(p.Name))
	return p
}

// needs are relations that the packages before it fulfil.
func needs(r *rand.Rand, before []catalog.Package) string {
	var all []string
	for range r.IntN(4) {
		if len(before) == 0 {
			break
		}
		p := before[r.IntN(len(before))]
		text := p.Name
		switch r.IntN(4) {
		case 0:
			text += " (>= " + p.Version + ")"
		case 1:
			if p.Provides != "" {
				text = p.Provides
			}
		case 2:
			text = "no-such-alternative | " + text
		}
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return strings.Join(all, ", ")
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// version makes versions of all of Debian's forms: epochs, tildes, rebuilds.
func version(r *rand.Rand) string {
	return pick(r, "", "", "", "1:", "2:") + pick(r, "0", "1", "1.2", "1.10", "2.41", "5.40.1", "20250131", "1.3.dfsg+really1.3.1", "9.7a", "10.46") +
		pick(r, "", "~rc1", "~beta~1", "+dfsg", "+ds", "~~") + pick(r, "", "-1", "-10", "-2.1", "-12+deb13u5", "-1~deb13u1", "-3+b2", "-1~bpo13+1")
}

// bump makes a version that is newer, by one of the ways that Debian has.
func bump(r *rand.Rand, v string) string {
	if r.IntN(6) == 0 && !strings.Contains(v, ":") {
		return "3:0"
	}
	return v + pick(r, "+deb13u1", "+b1", "+really", ".1", "a", "+deb13u10~1")
}
