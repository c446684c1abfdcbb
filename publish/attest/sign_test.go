package attest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/publish/keys"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
)

var (
	digestA = "sha256:" + strings.Repeat("a", 64)
	digestB = "sha256:" + strings.Repeat("b", 64)
)

// now is the time of the tests; virtual certificates hold around the real one.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// judge returns what the real gate says about a clean artifact.
func judge(t *testing.T, digest string, at time.Time, change func(*gate.Input)) (gate.Verdict, gate.Passed) {
	t.Helper()
	in := gate.Input{
		App: "web", ArtifactKind: "container", Digest: digest, Now: at,
		Report:    report(digest, at),
		Asked:     &controls.Asked{},
		Locked:    locked(),
		Hardening: []controls.Result{{ID: "BK-FS-01", Level: 1, Passed: true}},
		Tests:     gate.Tests{Passed: 1},
	}
	if change != nil {
		change(&in)
	}
	verdict, passed, _ := gate.Judge(in)
	return verdict, passed
}

func report(digest string, at time.Time) *scan.Report {
	return &scan.Report{
		APIVersion: scan.APIVersion, Kind: "Report", Subject: digest, ArtifactKind: "container",
		Scanned: at, Database: scan.Database{Ref: "db", Digest: digestB, Updated: at.Add(-time.Hour)},
		OS: scan.OS{Family: "debian", Name: "13.8"}, Packages: []scan.Package{{Type: "debian", Name: "libc6", Version: "2.41-12", Arch: "amd64"}},
	}
}

// locked is what the lock of that artifact says.
func locked() *gate.Locked {
	return &gate.Locked{
		Distribution: scan.OS{Family: "debian", Name: "13"}, Packages: []scan.Package{{Name: "libc6", Version: "2.41-12", Arch: "amd64"}},
	}
}

func newKey(t *testing.T, private any) keys.Key {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Parse(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func p256(t *testing.T) keys.Key {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return newKey(t, key)
}

// signers writes a policy folder that trusts these keys.
func signers(t *testing.T, public ...crypto.PublicKey) (string, []policy.Signer) {
	t.Helper()
	dir := t.TempDir()
	var list []policy.Signer
	for i, k := range public {
		text, err := keys.PublicPEM(k)
		if err != nil {
			t.Fatal(err)
		}
		name := string(rune('a'+i)) + ".pub"
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
		list = append(list, policy.Signer{Key: name})
	}
	return dir, list
}

const builder, source = "https://bakelite.dev/builder/test", "https://git.example/team/web"

func provenance(at time.Time) intoto.Provenance {
	return intoto.NewProvenance(intoto.Build{
		App: "web", AppDigest: digestB, ArtifactKind: "container",
		Asked: &controls.Asked{Rights: []controls.Right{{Path: "/usr/bin/su", SetUID: true}}, Alters: []string{"/usr/sbin/nginx"}}, Builder: builder, Version: "v1.2.3",
		Source: "git+" + source + ".git@refs/heads/main", Commit: strings.Repeat("c", 40),
		Lock: testLock(at), LockDigest: digestB, Invocation: "run 1", Started: at.Add(-time.Minute), Finished: at,
	})
}

func testLock(at time.Time) lock.Lock {
	pin := lock.Pin{Name: "libc6", Version: "2:2.41-12+deb13u1", Arch: "amd64", Archive: "debian-security", Path: "pool/x.deb", SHA256: strings.Repeat("1", 64), Size: 7}
	return lock.Lock{
		APIVersion: lock.APIVersion, Kind: "Lock", App: "web", Bakelite: "v1.2.3", Platform: "linux/amd64", Inputs: digestA,
		Base:     &lock.Image{Ref: "registry.example/base", Digest: digestB},
		Archives: []lock.Archive{{Name: "debian", Suite: "trixie", InRelease: strings.Repeat("2", 64), Date: at}},
		Files:    []lock.File{{Path: "index.html", SHA256: strings.Repeat("3", 64)}},
		Packages: lock.Layers{Seed: []lock.Pin{pin}, Base: []lock.Pin{pin}, Machine: []lock.Pin{{Name: "linux", SHA256: strings.Repeat("4", 64)}}},
	}
}

// statements are all that a consumer asks for by default, and more.
func statements(digest string, at time.Time, verdict gate.Verdict) []intoto.Statement {
	return []intoto.Statement{
		intoto.BuildProvenance(provenance(at)),
		intoto.CycloneDX([]byte(`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[]}`)),
		intoto.SPDX([]byte(`{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"web","dataLicense":"CC0-1.0"}`)),
		intoto.Scan(*report(digest, at)),
		attest.Verdict(verdict),
		intoto.TestResults(intoto.Tests{Results: []intoto.TestResult{{Name: "answers", Passed: true}}}),
		intoto.Lock(testLock(at)),
	}
}

func order(t *testing.T, digest string, at time.Time) attest.Order {
	t.Helper()
	verdict, passed := judge(t, digest, at, nil)
	return attest.Order{
		Passed: passed, Subject: intoto.Subject{Name: "web", Digest: digest},
		Statements: statements(digest, at, verdict), Want: attest.All{Now: at},
	}
}

func texts(s attest.Signed) [][]byte {
	var all [][]byte
	for _, b := range s.Bundles() {
		all = append(all, b.JSON)
	}
	return all
}

func TestSignAndVerifyAll(t *testing.T) {
	at := now()
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	rsa2048, _ := rsa.GenerateKey(rand.Reader, 2048)
	rsa3072, _ := rsa.GenerateKey(rand.Reader, 3072)
	for name, key := range map[string]keys.Key{
		"P-256": p256(t), "Ed25519": newKey(t, ed), "RSA 2048": newKey(t, rsa2048), "RSA 3072": newKey(t, rsa3072),
	} {
		t.Run(name, func(t *testing.T) {
			signed, err := attest.Sign(t.Context(), order(t, digestA, at), attest.ByKey(key))
			if err != nil {
				t.Fatal(err)
			}
			bundles := signed.Bundles()
			if signed.Digest() != digestA || len(bundles) != 8 || bundles[0].PredicateType != intoto.SignatureType {
				t.Fatalf("signed %s with %d bundles, the first %s", signed.Digest(), len(bundles), bundles[0].PredicateType)
			}
			dir, list := signers(t, p256(t).Public(), key.Public())
			summary, err := attest.VerifyAll(t.Context(), texts(signed), attest.All{
				Digest: digestA, Dir: dir, Now: at,
				Verify: policy.Verify{SignedBy: list, Builder: builder, Source: source},
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(summary.Statements) != 8 || len(summary.Signers) != 1 || !summary.Judged.Equal(at) || !summary.Scanned.Equal(at) {
				t.Errorf("summary %+v", summary)
			}
		})
	}
}

func TestSignRefuses(t *testing.T) {
	at := now()
	key := p256(t)
	otherDir, others := signers(t, p256(t).Public())
	ec384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	failing, nothing := judge(t, digestA, at, func(in *gate.Input) { in.Tests.Failed = 1 })
	tests := map[string]struct {
		change func(*attest.Order)
		by     attest.Signer
		want   string
	}{
		"zero Passed":      {func(o *attest.Order) { o.Passed = gate.Passed{} }, attest.ByKey(key), "did not pass the gate"},
		"failed gate":      {func(o *attest.Order) { o.Passed = nothing }, attest.ByKey(key), "did not pass the gate"},
		"another digest":   {func(o *attest.Order) { o.Subject.Digest = digestB }, attest.ByKey(key), "let " + digestA + " through, not"},
		"no digest":        {func(o *attest.Order) { o.Subject.Digest = "sha256:A" }, attest.ByKey(key), "not a SHA-256"},
		"P-384":            {func(*attest.Order) {}, attest.ByKey(newKey(t, ec384)), "P-384 key does not sign"},
		"file, no digest":  {func(o *attest.Order) { o.Subject.Files = []intoto.Subject{{Name: "web.raw"}} }, attest.ByKey(key), "not a SHA-256"},
		"many files":       {func(o *attest.Order) { o.Subject.Files = make([]intoto.Subject, 1024) }, attest.ByKey(key), "more than 1023"},
		"zero Signer":      {func(*attest.Order) {}, attest.Signer{}, "nothing to sign with"},
		"own signature":    {func(o *attest.Order) { o.Statements[0].PredicateType = intoto.SignatureType }, attest.ByKey(key), "Sign's to make"},
		"untrusted key":    {func(o *attest.Order) { o.Want.Dir, o.Want.Verify.SignedBy = otherDir, others }, attest.ByKey(key), "would be refused"},
		"no SBOM":          {func(o *attest.Order) { o.Statements = o.Statements[3:] }, attest.ByKey(key), "no SBOM"},
		"failing verdict":  {func(o *attest.Order) { o.Statements[4] = attest.Verdict(failing) }, attest.ByKey(key), `is "failed"`},
		"another builder":  {func(o *attest.Order) { o.Want.Verify.Builder = "https://other.example" }, attest.ByKey(key), "names the builder"},
		"old scan report":  {func(o *attest.Order) { o.Statements[3] = intoto.Scan(*report(digestA, at.Add(-31*24*time.Hour))) }, attest.ByKey(key), "newest scan report"},
		"report of future": {func(o *attest.Order) { o.Statements[3] = intoto.Scan(*report(digestA, at.Add(time.Hour))) }, attest.ByKey(key), "yet to come"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := order(t, digestA, at)
			test.change(&o)
			signed, err := attest.Sign(t.Context(), o, test.by)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if len(signed.Bundles()) != 0 || signed.Digest() != "" {
				t.Error("something was handed out")
			}
			if k := fault.KindOf(err); k == fault.Internal && name != "own signature" && name != "many files" {
				t.Errorf("unclassified: %v", err)
			}
		})
	}
}

// TestFiles: one file of a disk is verified with the bundles of its manifest.
func TestFiles(t *testing.T) {
	at := now()
	key := p256(t)
	file, foreign := "sha256:"+strings.Repeat("f", 64), "sha256:"+strings.Repeat("e", 64)
	o := order(t, digestA, at)
	o.Subject.Files = []intoto.Subject{{Name: "web.raw", Digest: digestB}, {Name: "web.qcow2", Digest: file}}
	signed, err := attest.Sign(t.Context(), o, attest.ByKey(key))
	if err != nil {
		t.Fatal(err)
	}
	dir, list := signers(t, key.Public())
	for asked, want := range map[string]string{"": "", digestB: "", file: "", foreign: "another file", "sha256:": "not a SHA-256"} {
		_, err := attest.VerifyAll(t.Context(), texts(signed), attest.All{Digest: digestA, File: asked, Dir: dir, Now: at, Verify: policy.Verify{SignedBy: list}})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", asked, err, want)
		}
	}
	if about, err := attest.About(signed.Bundles()[0].JSON); err != nil || about != digestA {
		t.Errorf("about %q, %v", about, err)
	}
}

func TestReportOnlyVerdictIsSignedAndRefusedByUsers(t *testing.T) {
	at := now()
	key := p256(t)
	o := order(t, digestA, at)
	verdict, passed := judge(t, digestA, at, func(in *gate.Input) {
		in.Policy.Gate.Mode = policy.ReportOnly
		in.Report.Secrets = []scan.Secret{{Rule: "private-key", Severity: scan.Critical, Path: "/key"}}
	})
	if verdict.Outcome != gate.OutcomeReported {
		t.Fatalf("the gate says %q", verdict.Outcome)
	}
	o.Passed, o.Statements[4] = passed, attest.Verdict(verdict)
	signed, err := attest.Sign(t.Context(), o, attest.ByKey(key))
	if err != nil {
		t.Fatal(err)
	}
	dir, list := signers(t, key.Public())
	_, err = attest.VerifyAll(t.Context(), texts(signed), attest.All{Digest: digestA, Dir: dir, Now: at, Verify: policy.Verify{SignedBy: list}})
	if fault.KindOf(err) != fault.Policy || !strings.Contains(err.Error(), `is "reported"`) {
		t.Errorf("a user got %v", err)
	}
}

// TestLargeSBOM signs and verifies an SBOM of more than 40 MB, and refuses one
// over the limit by its name.
func TestLargeSBOM(t *testing.T) {
	if testing.Short() {
		t.Skip("takes memory")
	}
	at := now()
	o := order(t, digestA, at)
	o.Statements[1] = intoto.CycloneDX(bigSBOM(45 << 20))
	signed, err := attest.Sign(t.Context(), o, attest.ByKey(p256(t)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(signed.Bundles()[2].JSON); n < 45<<20 {
		t.Errorf("the bundle has %d bytes", n)
	}
	o.Statements[1] = intoto.CycloneDX(bigSBOM(intoto.MaxStatement))
	if _, err = attest.Sign(t.Context(), o, attest.ByKey(p256(t))); fault.KindOf(err) != fault.Policy || fault.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
}

func bigSBOM(bytes int) []byte {
	component := map[string]string{"type": "library", "name": strings.Repeat("n", 200), "version": "1.0"}
	one, _ := json.Marshal(component)
	var b strings.Builder
	b.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[`)
	for b.Len() < bytes {
		b.Write(one)
		b.WriteByte(',')
	}
	b.Write(one)
	b.WriteString("]}")
	return []byte(b.String())
}
