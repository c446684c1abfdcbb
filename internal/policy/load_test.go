package policy_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/owner"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/strict/stricttest"
)

const minimal = "apiVersion: bakelite.dev/v1\nkind: Policy\n"

const full = minimal + `bases:
  archives: [debian, debian-security]
  images:
    allow: [docker.io/library/debian, "quay.io/team/*", "registry.example:5000/*"]
    official: [registry.example/base/os]
    signedBy:
      - key: keys/base.pub
      - {issuer: "https://issuer.example", subjectMatches: "https://ci.example/.*", trustedRoot: root.json}
    maxAge: 720h
gate:
  mode: report-only
  vulnerabilities: {failOn: medium, unfixed: true, unknownAs: high, graceDays: {low: 90, critical: 0}}
  forbiddenPackages: [telnet, "openssh-*"]
  forbiddenLicences: [AGPL-*]
  requiredControls: [level 1, BK-SSH-04]
  minHardening: 90
  maxDatabaseAge: 48h
waivers:
  - {id: CVE-2026-1, package: openssl, apps: [web], reason: not reachable, owner: ops@example.com, expires: 2026-12-31}
vex: [vex/a.json]
patches: {maxHours: {critical: 24, high: 72}}
verify:
  signedBy: [{key: keys/base.pub}]
  builder: https://builder.example
`

func fullFolder(t testing.TB) string {
	return stricttest.Folder(t, map[string]string{"policy.yaml": full, "keys/base.pub": "key", "root.json": "{}", "vex/a.json": "{}"})
}

func load(dir string) error {
	_, err := policy.Load(dir)
	return err
}

func TestLoad(t *testing.T) {
	dir := fullFolder(t)
	for _, path := range []string{dir, filepath.Join(dir, "policy.yaml")} {
		p, err := policy.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if p.Dir != dir || p.Gate.Vulnerabilities.GraceDays["low"] != 90 || p.Verify.MaxReportAge.String() != "720h" || p.Waivers[0].Expires != "2026-12-31" || p.Patches.MaxHours["high"] != 72 {
			t.Errorf("got %+v", p)
		}
		if len(p.Files) != 3 || string(p.Files["keys/base.pub"]) != "key" {
			t.Errorf("files %v", p.Files)
		}
	}
}

func TestLoadFillsDefaults(t *testing.T) {
	p, err := policy.Load(stricttest.Folder(t, map[string]string{"policy.yaml": minimal}))
	if err != nil {
		t.Fatal(err)
	}
	p.Dir, p.Path, p.Files = "", "", nil
	if !reflect.DeepEqual(p, policy.Default()) {
		t.Errorf("got %+v, not %+v", p, policy.Default())
	}
	if v := p.Gate; v.Mode != "enforce" || v.Vulnerabilities.FailOn != "high" || v.Vulnerabilities.UnknownAs != "medium" || v.MaxDatabaseAge.String() != "168h" {
		t.Errorf("got %+v", v)
	}
}

func TestLoadMissing(t *testing.T) { stricttest.Missing(t, load) }

// TestLoadShowsEveryMistake: mistakes of form, of sense and of files come in
// one run, each at its place, and none twice.
func TestLoadShowsEveryMistake(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{"policy.yaml": `apiVersion: bakelite.dev/v2
kind: Polisy
bases:
  archives: [http://x]
  images:
    alow: [a]
    official: [debian, "docker.io/library/debian:13", "docker.io/*/x", "debian/*"]
    signedBy:
      - {}
      - {key: ../k.pub}
      - {key: k.pub, issuer: "https://a.example"}
      - {issuer: "http://a.example", subject: x, subjectMatches: "("}
gate:
  mode: report
  vulnerabilities: {failOn: hihg, graceDays: {moderate: 1, high: -1}}
  forbiddenPackages: [a, a, "b c", ""]
  requiredControls: [none, level 3, BK-SSH-04, BK-SSH-04]
  minHardening: 101
  maxDatabaseAge: 0s
waivers:
  - {id: report, reason: " ", owner: o, expires: 2026-13-01}
  - {id: CVE-1, reason: r, owner: o, expires: 2026-12-31, until: x}
  - {id: CVE-1, reason: r, owner: o, expires: 2026-12-31}
  - {id: CVE-1, path: etc/x, reason: r, owner: o, expires: 2026-12-31}
vex: [gone.json, /etc/passwd]
patches: {maxHours: {grave: 1, low: 0}}
verify:
  builder: ""
`, "k.pub": ""})
	const want = `policy.yaml:1:13: apiVersion: "bakelite.dev/v2" is another version of the format; this Bakelite reads bakelite.dev/v1: change the key, or use the Bakelite that the file was written for
policy.yaml:2:7: kind: "Polisy" is not the kind of a policy file; write Policy
policy.yaml:4:14: bases.archives[0]: "http://x" is not an archive's name, like debian-security; mirrors are settings
policy.yaml:6:5: bases.images.alow: this key is not known; did you mean "allow"?
policy.yaml:7:16: bases.images.official[0]: "debian" is short for docker.io/library/debian; write that
policy.yaml:7:24: bases.images.official[1]: "docker.io/library/debian:13" names a tag or a digest; name the repository alone: docker.io/library/debian
policy.yaml:7:55: bases.images.official[2]: "docker.io/*/x" is not a repository; write it like docker.io/library/debian, or quay.io/example/* for all below
policy.yaml:7:72: bases.images.official[3]: "debian/*" is short for docker.io/debian/*; write that
policy.yaml:9:9: bases.images.signedBy[0]: give key (a public key's file), or issuer and subject
policy.yaml:10:15: bases.images.signedBy[1].key: "../k.pub" leads out of the policy file's folder; name a file below it
policy.yaml:11:9: bases.images.signedBy[2]: give key, or issuer and subject, not both: a key stands for itself
policy.yaml:12:9: bases.images.signedBy[3]: give exactly one of subject and subjectMatches: an issuer alone vouches for everybody
policy.yaml:12:18: bases.images.signedBy[3].issuer: "http://a.example" is not the https URL of an OIDC issuer
policy.yaml:12:66: bases.images.signedBy[3].subjectMatches: is not a regular expression (RE2) of at most 2000 bytes
policy.yaml:14:9: gate.mode: "report" is not known here; use one of enforce, report-only
policy.yaml:15:29: gate.vulnerabilities.failOn: "hihg" is not known here; use one of low, medium, high, critical, none; did you mean "high"?
policy.yaml:15:57: gate.vulnerabilities.graceDays.moderate: "moderate" is not known here; use one of low, medium, high, critical
policy.yaml:15:66: gate.vulnerabilities.graceDays.high: -1 is not between 0 and 3650 days
policy.yaml:16:26: gate.forbiddenPackages[1]: stands here twice, first as entry 1
policy.yaml:16:29: gate.forbiddenPackages[2]: "b c" holds a space
policy.yaml:16:36: gate.forbiddenPackages[3]: is empty
policy.yaml:17:3: gate.requiredControls: has "none" beside others; keep one of them
policy.yaml:17:28: gate.requiredControls[1]: "level 3" is no control such as BK-FS-01, "level 1", "level 2" or "none"
policy.yaml:17:48: gate.requiredControls[3]: stands here twice, first as entry 3
policy.yaml:18:17: gate.minHardening: 101 is not a share in percent (0 to 100)
policy.yaml:19:19: gate.maxDatabaseAge: a time span is more than 0
policy.yaml:21:10: waivers[0].id: nothing waives the need for a scan report of the very artifact
policy.yaml:21:26: waivers[0].reason: is empty
policy.yaml:21:50: waivers[0].expires: "2026-13-01" is not a day; write it like 2026-12-31
policy.yaml:22:59: waivers[1].until: this key is not known; known here: id, package, path, apps, reason, owner, expires
policy.yaml:23:5: waivers[2]: stands here twice, first as entry 2; keep one
policy.yaml:24:23: waivers[3].path: "etc/x" begins with no /; paths are those of the image
policy.yaml:25:7: vex[0]: gone.json does not exist beside the policy file
policy.yaml:25:18: vex[1]: "/etc/passwd" leads out of the policy file's folder; name a file below it
policy.yaml:26:29: patches.maxHours.grave: "grave" is not known here; use one of low, medium, high, critical
policy.yaml:26:37: patches.maxHours.low: 0 is not between 1 and 87600 hours
policy.yaml:28:12: verify.builder: is empty; leave the key out for the default`
	stricttest.Mistakes(t, dir, "policy.yaml", load, want)
}

// TestFilesStayBelowTheFolder: links out of the folder, pipes and folders are
// refused, and none of them is waited for.
func TestFilesStayBelowTheFolder(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{"real.json": "{}"})
	outside := stricttest.Folder(t, map[string]string{"secret": "x"})
	for name, create := range map[string]func(path string) error{
		"link":   func(path string) error { return os.Symlink(filepath.Join(outside, "secret"), path) },
		"up":     func(path string) error { return os.Symlink("../"+filepath.Base(outside)+"/secret", path) },
		"folder": func(path string) error { return os.Mkdir(path, 0o755) },
		"pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"large":  func(path string) error { return os.WriteFile(path, make([]byte, 8<<20+1), 0o600) },
	} {
		if err := create(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(minimal+"vex: ["+name+"]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := policy.Load(dir)
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "policy.yaml:3:7: vex[0]: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Symlink("real.json", filepath.Join(dir, "inside")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(minimal+"vex: [inside]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := policy.Load(dir); err != nil || string(p.Files["inside"]) != "{}" {
		t.Errorf("a link inside: %v", err)
	}
}

func TestDefaultsChangeNothing(t *testing.T) {
	p, untouched := policy.Policy{}, policy.Policy{}
	filled := policy.WithDefaults(p)
	if !reflect.DeepEqual(p, untouched) || !reflect.DeepEqual(policy.WithDefaults(filled), filled) {
		t.Errorf("got %+v, %+v", p, filled)
	}
	if problems := policy.Validate(policy.Default()); len(problems) > 0 {
		t.Errorf("the default policy: %v", problems)
	}
}

func TestDigest(t *testing.T) {
	dir := fullFolder(t)
	load := func() policy.Policy {
		p, err := policy.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	first := load()
	same := first
	same.Dir, same.Path = "/elsewhere", "x"
	write("policy.yaml", "# a comment\n"+full+"  withoutSBOM: false\n")
	if got := load().Digest(); got != first.Digest() || same.Digest() != first.Digest() {
		t.Error("a comment, a written default or another place changes the digest")
	}
	if (policy.Policy{APIVersion: policy.APIVersion, Kind: policy.Kind}).Digest() != policy.Default().Digest() {
		t.Error("defaults change the digest")
	}
	seen := map[string]string{first.Digest(): "as it was"}
	for name, change := range map[string]func(){
		"key":    func() { write("policy.yaml", strings.Replace(full, "minHardening: 90", "minHardening: 91", 1)) },
		"list":   func() { write("policy.yaml", strings.Replace(full, "[telnet, ", "[", 1)) },
		"waiver": func() { write("policy.yaml", strings.Replace(full, "2026-12-31", "2027-12-31", 1)) },
		"vex":    func() { write("policy.yaml", full); write("vex/a.json", "{ }") },
		"pubkey": func() { write("policy.yaml", full); write("keys/base.pub", "another") },
	} {
		change()
		digest := load().Digest()
		if other, known := seen[digest]; known || len(digest) != 71 {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[digest] = name
		write("policy.yaml", full)
		write("vex/a.json", "{}")
		write("keys/base.pub", "key")
	}
}

// FuzzLoad holds Load to its promises: no panic, a classified error, and what
// loads is valid and has a digest of its own form.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte(full))
	f.Add([]byte(minimal + "waivers: [{id: x, reason: r, owner: o, expires: 0000-00-00}]\nvex: [., /, '']\n"))
	dir := fullFolder(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "policy.yaml")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		p, err := policy.Load(path)
		if err != nil && (fault.KindOf(err) != fault.Invalid || err.Error() == "") {
			t.Fatalf("%q: kind %v", err, fault.KindOf(err))
		}
		if err == nil && (len(policy.Validate(p)) > 0 || len(p.Digest()) != 71) {
			t.Fatalf("loaded, but not valid: %v", policy.Validate(p))
		}
	})
}

// TestEachMistakeOnce: what could not be read is not judged a second time.
func TestEachMistakeOnce(t *testing.T) {
	for text, want := range map[string]string{
		"apiVersion: bakelite.dev/v1\nkind: [Policy]\n":        "2:7: kind: expected a text, found a list",
		"apiVersion: bakelite.dev/v1\nknd: Policy\n":           "2:1: knd: this key is not known; did you mean \"kind\"?",
		minimal + "gate: {mod: enforced}\n":                    "3:8: gate.mod: this key is not known; did you mean \"mode\"?",
		minimal + "waivers: [{id: a, reason: b, owner: c}]\n":  "3:11: waivers[0].expires: this key is missing",
		minimal + "gate: {vulnerabilities: {graceDays: []}}\n": "3:37: gate.vulnerabilities.graceDays: expected a mapping of keys, found a list",
	} {
		path := filepath.Join(stricttest.Folder(t, map[string]string{"policy.yaml": text}), "policy.yaml")
		if _, err := policy.Load(path); err == nil || err.Error() != path+":"+want {
			t.Errorf("got %v, not %s", err, want)
		}
	}
}

// TestPlantedPolicy: of a policy that nobody named neither the file nor a key
// that it names may be another user's; one that was named is believed.
func TestPlantedPolicy(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files to others")
	}
	const another = 54321
	rule := owner.Own("")
	for planted, want := range map[string]string{"": "", policy.FileName: "was not named by you, and it belongs to another user", "team.pub": "team.pub belongs to another user (54321), and nobody named this policy"} {
		dir := t.TempDir()
		for name, text := range map[string]string{policy.FileName: "apiVersion: bakelite.dev/v1\nkind: Policy\nverify: {signedBy: [{key: team.pub}]}\n", "team.pub": "key"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if planted != "" {
			if err := os.Chown(filepath.Join(dir, planted), another, another); err != nil {
				t.Fatal(err)
			}
		}
		_, err := policy.LoadOwned(filepath.Join(dir, policy.FileName), &rule)
		if (err != nil) != (want != "") || err != nil && (fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q planted: %v", planted, err)
		}
		if _, err := policy.Load(dir); err != nil {
			t.Errorf("%q planted, and named: %v", planted, err)
		}
	}
}
