package look

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
	"github.com/bakelite/bakelite/scan/protocol"
)

// TestScanReads says what the scanner is given for each kind of target: what is
// here as it lies, what is vouched for by its SBOM, the rest as it is fetched.
func TestScanReads(t *testing.T) {
	s := newShop(t)
	s.publish()
	sbom := filepath.Join(t.TempDir(), "sbom.json")
	flowtest.Must(t, os.WriteFile(sbom, []byte("{}"), 0o600))
	image, disk := s.find(s.image()), s.find(s.disk())
	for name, tt := range map[string]struct {
		reader Reader
		target string
		root   protocol.Root // but for a path in a temporary folder
		asked  []string
		passes bool
	}{
		"a folder":                {s.r, s.app.Dir, protocol.Root{Kind: protocol.Folder, Path: s.app.Dir}, []string{"database", "scanner"}, false},
		"an SBOM":                 {s.r, sbom, protocol.Root{Kind: protocol.SBOM, Path: sbom}, []string{"database", "scanner"}, false},
		"a disk":                  {s.r, s.other(), protocol.Root{Kind: protocol.Disk}, []string{"database", "scanner", "checker"}, false},
		"a layout, as built":      {s.r, s.p.Folder.Layout("web"), protocol.Root{Kind: protocol.Image, Digest: image.Digest}, []string{"database", "scanner", "checker"}, false},
		"a published image":       {s.r, s.image(), protocol.Root{Kind: protocol.SBOM, Subject: image.Digest, ArtifactKind: "container"}, []string{"database", "scanner"}, true},
		"a published disk":        {s.r, s.disk(), protocol.Root{Kind: protocol.SBOM, Subject: disk.Digest, ArtifactKind: "disk"}, []string{"database", "scanner"}, true},
		"where the policy is mum": {s.mum(), s.image(), protocol.Root{Kind: protocol.Image, Digest: image.Digest}, []string{"database", "scanner", "checker"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s.Again()
			seen, err := tt.reader.Scan(t.Context(), tt.target)
			if err != nil || !slices.Equal(s.Asked, tt.asked) {
				t.Fatalf("asked for %q, want %q: %v", s.Asked, tt.asked, err)
			}
			got := s.Roots[0]
			if strings.HasPrefix(got.Path, s.tmp) || tt.root.Path == "" {
				got.Path = tt.root.Path
			}
			got.Name = ""
			if got != tt.root {
				t.Errorf("read %+v, want %+v", got, tt.root)
			}
			if len(seen.Report.Packages) != 1 || seen.CycloneDX == nil || seen.SPDX == nil {
				t.Errorf("saw %+v", seen)
			}
			// What nobody tested here can never pass; what was published can,
			// by what was stated of its tests, hardening and lock.
			if (seen.Verdict.Outcome == gate.OutcomePassed) != tt.passes {
				t.Errorf("the gate says %s: %v", seen.Verdict.Outcome, seen.Verdict.Err())
			}
			s.tidy()
		})
	}
}

// mum is a reader whose policy names nobody.
func (s *shop) mum() Reader {
	r := s.r
	r.Policy.Verify.SignedBy = nil
	return r
}

// TestScanStops has each step fail: what comes after it is not asked for, and
// nothing temporary is left.
func TestScanStops(t *testing.T) {
	s := newShop(t)
	s.publish()
	for name, tt := range map[string]struct {
		reader Reader
		target string
		fails  string
		asked  []string
		says   string
	}{
		"no database":    {s.r, s.image(), "database", []string{"database"}, "database: out of order"},
		"no scanner":     {s.r, s.image(), "scanner", []string{"database", "scanner"}, "scanner: out of order"},
		"no checker":     {s.mum(), s.image(), "checker", []string{"database", "scanner", "checker"}, "checker: out of order"},
		"an archive":     {s.r, s.tar(), "", nil, "is an archive, which is not scanned"},
		"nothing there":  {s.r, s.image() + "2", "", nil, "looking for"},
		"by another key": {s.stranger(), s.image(), "", nil, "by an allowed signer"},
	} {
		t.Run(name, func(t *testing.T) {
			s.Again()
			s.Fails = tt.fails
			if seen, err := tt.reader.Scan(t.Context(), tt.target); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("saw %+v, %v", seen, err)
			}
			if !slices.Equal(s.Asked, tt.asked) {
				t.Errorf("asked for %q, want %q", s.Asked, tt.asked)
			}
			s.tidy()
		})
	}
}

// tar is an archive of an image.
func (s *shop) tar() string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "web.oci.tar")
	flowtest.Must(s.t, os.WriteFile(path, nil, 0o600))
	return path
}

// TestScanComparesWithTheLock: a package that the attested lock did not put
// into an image is seen in its SBOM of today.
func TestScanComparesWithTheLock(t *testing.T) {
	s := newShop(t)
	s.publish()
	s.Locked = flowtest.Lock(s.app, digests.Of(nil), "2")
	seen, err := s.r.Scan(t.Context(), s.image())
	if err != nil || seen.Verdict.Outcome == gate.OutcomePassed {
		t.Errorf("the gate says %s, %v", seen.Verdict.Outcome, err)
	}
}

// TestScanJudgesAsPublishWould: what an app file asks for was signed with what
// was built of it, so a scan holds it against the image as publishing did, by
// the policy of who scans; what nobody signed is not said to be nothing.
func TestScanJudgesAsPublishWould(t *testing.T) {
	s := newShop(t)
	s.app.Alters = []string{"/usr/sbin/nginx"}
	s.app.Rights = []app.Right{{Path: "/usr/bin/tool", Capabilities: []string{"sys_admin"}, On: artifact.Container}, {Path: "/usr/bin/su", SetUID: true}}
	s.p.Policy.Gate.AllowAltered, s.p.Policy.Gate.ForbiddenRights = true, []string{policy.None}
	s.publish()
	for name, tt := range map[string]struct {
		policy          policy.Policy
		target          string
		rights, altered string
	}{
		"the publisher's policy": {s.p.Policy, s.image(), "pass 0 of 2 rights", "not-asked the policy allows that; 1 path"},
		"a stricter one":         {s.r.Policy, s.image(), "fail 1 of 2 rights", "fail 1 path"},
		"of the disk":            {s.r.Policy, s.disk(), "pass 0 of 1 right ", "fail 1 path"},
		"nothing signed":         {s.mum().Policy, s.image(), "not-asked nobody says", "not-asked nobody says"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.r
			r.Policy = tt.policy
			seen, err := r.Scan(t.Context(), tt.target)
			if err != nil {
				t.Fatal(err)
			}
			said := map[string]string{}
			for _, rule := range seen.Verdict.Rules {
				said[rule.Name] = rule.Outcome + " " + rule.Saw
			}
			if !strings.HasPrefix(said[policy.RuleRights], tt.rights) || !strings.HasPrefix(said[policy.RuleAltered], tt.altered) {
				t.Errorf("rights: %s; altered: %s", said[policy.RuleRights], said[policy.RuleAltered])
			}
		})
	}
}

// TestAdviseByListsAlone: the scanner is given a bill of packages for each
// distribution, and has to know every one of them.
func TestAdviseByListsAlone(t *testing.T) {
	s := newShop(t)
	openssl := scan.Package{Name: "openssl", Version: "1:3.5-1+b1", Arch: "amd64", Source: "openssl", SourceVersion: "1:3.5-1"}
	lists := []scan.Report{
		{OS: scan.OS{Family: "debian", Name: "13"}, Packages: []scan.Package{openssl}},
		{OS: scan.OS{Family: "debian", Name: "12"}, Packages: []scan.Package{{Name: "a b", Version: "2", Source: "a b", SourceVersion: "2"}}},
	}
	reports, err := s.r.Advise(t.Context(), lists)
	if err != nil || len(reports) != 2 || !slices.Equal(s.Asked, []string{"database", "scanner"}) {
		t.Fatalf("got %+v, %v, and asked for %q", reports, err, s.Asked)
	}
	if len(s.Roots) != 2 || s.Roots[0].Kind != protocol.SBOM || s.Roots[1].Name != "debian 12" {
		t.Errorf("read %+v", s.Roots)
	}
	s.tidy()
	text, err := json.Marshal(bill(lists[0]))
	for _, want := range []string{
		`"purl":"pkg:deb/debian/openssl@3.5-1+b1?arch=amd64\u0026epoch=1"`, `{"name":"aquasecurity:trivy:SrcEpoch","value":"1"}`,
		`{"name":"aquasecurity:trivy:SrcVersion","value":"3.5"}`, `{"name":"aquasecurity:trivy:SrcRelease","value":"1"}`, `"dependsOn":["0"]`,
	} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %s (%v)", text, want, err)
		}
	}
	lists[1].Packages = append(lists[1].Packages, openssl)
	if _, err := s.r.Advise(t.Context(), lists); fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), "knows 1 packages of 2") {
		t.Errorf("a package that was passed over: %v", err)
	}
	for _, fails := range []string{"database", "scanner"} {
		s.Again()
		s.Fails = fails
		if _, err := s.r.Advise(t.Context(), lists); err == nil || !strings.Contains(err.Error(), fails+": out of order") {
			t.Errorf("no %s: %v", fails, err)
		}
		s.tidy()
	}
}

// TestVersionParts splits by Debian Policy 5.6.12.
func TestVersionParts(t *testing.T) {
	for version, want := range map[string][3]string{
		"1.0": {"0", "1.0", ""}, "1.0-1": {"0", "1.0", "1"}, "2:1.0-1": {"2", "1.0", "1"}, "1.0-rc1-2": {"0", "1.0-rc1", "2"}, "1:2:3-4": {"1", "2:3", "4"}, "": {"0", "", ""},
	} {
		epoch, upstream, revision := versionParts(version)
		if got := [3]string{epoch, upstream, revision}; got != want {
			t.Errorf("%s is %q, want %q", version, got, want)
		}
	}
}
