package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
	spdx "github.com/spdx/tools-golang/json"

	"github.com/bakelite/bakelite/builders/vm"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/test/harness"
)

// status is a folder's list of packages, as dpkg keeps it.
const status = "Package: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.26.3-3\nMaintainer: nobody\nDescription: a server\n"

// TestScanFormats scans each kind of target and has each format read by those
// who made it, or by its schema.
func TestScanFormats(t *testing.T) {
	s := harness.OpenShop(t)
	risky := filepath.Join(harness.Folder(t), "db")
	harness.MakeDatabase(t, risky, harness.DatabaseTime(), harness.Facts)
	host := harness.Serve(t, harness.MemoryRegistry(t)).Host
	p := s.Sold("--registry", host+"/team")
	tree := harness.Folder(t)
	harness.WriteFile(t, filepath.Join(tree, "etc", "os-release"), "ID=debian\nVERSION_ID=\"13\"\nVERSION_CODENAME=trixie\n")
	harness.WriteFile(t, filepath.Join(tree, "etc", "debian_version"), "13.2\n")
	harness.WriteFile(t, filepath.Join(tree, "var", "lib", "dpkg", "status"), status)
	first := harness.FirstBake(t)
	layout, disk := filepath.Join(s.Out, "web.oci"), first.Path(first.Outcome.Result(t).Artifact(t, "qcow2"))
	// What the kernel's packages brought is known before the disk is scanned.
	if modules := vm.Untouched(filepath.Join(s.State, "parts")); len(modules) < 500 {
		t.Errorf("%d modules of the kernel are listed", len(modules))
	}
	sboms := harness.Folder(t)
	cdx := harness.WriteFile(t, filepath.Join(sboms, "web.cdx.json"), scanned(s, "--format", "cyclonedx", "--database", risky, layout))
	doc := harness.WriteFile(t, filepath.Join(sboms, "web.spdx.json"), scanned(s, "--format", "spdx", "--database", risky, layout))
	schema := sarifSchema(t)
	for name, target := range map[string]string{
		"reference": p.Ref, "layout": layout, "disk": disk, "CycloneDX": cdx, "SPDX": doc, "folder": tree,
	} {
		t.Run(name, func(t *testing.T) {
			s.T = t
			in := func(format string) string {
				return scanned(s, "--format", format, "--database", risky, target)
			}
			checkTable(t, in("table"))
			checkReports(t, in("json"))
			checkSARIF(t, schema, in("sarif"))
			checkCycloneDX(t, in("cyclonedx"))
			checkSPDX(t, in("spdx"))
		})
	}
	t.Run("mistakes", func(t *testing.T) {
		s.T = t
		broken := harness.WriteFile(t, filepath.Join(sboms, "broken.json"), "{}")
		for _, tt := range []struct {
			target string
			args   []string
			code   int
			text   string
		}{
			{layout, []string{"--format", "xml"}, 2, "want table, json, sarif, cyclonedx or spdx"},
			{filepath.Join(sboms, "none.json"), nil, 3, "none.json"},
			{filepath.Join(sboms, "none"), nil, 3, "none"},
			{broken, nil, 2, "broken.json"},
		} {
			o := s.Run(append(append([]string{"scan", "--database", risky}, tt.args...), tt.target)...).Want(t, tt.code, tt.text)
			if o.Stdout != "" {
				t.Errorf("%s: stdout holds %q", tt.target, o.Stdout)
			}
		}
	})
}

// scanned returns what a scan says, which must succeed.
func scanned(s harness.Shop, args ...string) string {
	s.T.Helper()
	return s.Run(append([]string{"scan"}, args...)...).Want(s.T, 0).Stdout
}

func checkTable(t *testing.T, text string) {
	t.Helper()
	for _, want := range []string{"nginx", "CVE-2026-0001", "99.0-1"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
}

func checkReports(t *testing.T, text string) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var reports []scan.Report
	if err := decoder.Decode(&reports); err != nil || len(reports) != 1 {
		t.Fatalf("%d reports (%v):\n%.500s", len(reports), err, text)
	}
	for _, f := range reports[0].Findings {
		if f.ID == "CVE-2026-0001" && f.Package == "nginx" && f.FixedVersion == "99.0-1" && f.Severity == scan.High {
			return
		}
	}
	t.Errorf("the findings are %+v", reports[0].Findings)
}

// sarifModule is a module that has the schema of SARIF 2.1.0 among its files.
const sarifModule = "github.com/securego/gosec/v2@v2.29.0"

// sarifSchema compiles the schema of OASIS.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	download := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", sarifModule)
	download.Dir = t.TempDir()
	out, err := download.Output()
	var module struct{ Dir string }
	if err == nil {
		err = json.Unmarshal(out, &module)
	}
	if err != nil {
		harness.Lacking(t, "the module "+sarifModule+": "+err.Error()+"\n"+string(out))
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(module.Dir, "report", "sarif", "testdata", "sarif-schema-2.1.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func checkSARIF(t *testing.T, schema *jsonschema.Schema, text string) {
	t.Helper()
	log, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(log); err != nil {
		t.Errorf("SARIF: %v", err)
	}
	if !strings.Contains(text, `"ruleId": "CVE-2026-0001"`) {
		t.Errorf("SARIF lacks the finding:\n%.2000s", text)
	}
}

func checkCycloneDX(t *testing.T, text string) {
	t.Helper()
	var bom cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(strings.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatalf("CycloneDX: %v\n%.500s", err, text)
	}
	if bom.BOMFormat != cyclonedx.BOMFormat || bom.SerialNumber == "" || bom.Metadata == nil || bom.Components == nil {
		t.Fatalf("CycloneDX: %.500s", text)
	}
	for _, c := range *bom.Components {
		if c.Name == "nginx" && c.Version != "" && strings.HasPrefix(c.PackageURL, "pkg:deb/debian/nginx@") {
			return
		}
	}
	t.Errorf("CycloneDX lacks nginx among %d components", len(*bom.Components))
}

func checkSPDX(t *testing.T, text string) {
	t.Helper()
	doc, err := spdx.Read(bytes.NewReader([]byte(text)))
	if err == nil && (doc.SPDXIdentifier != "DOCUMENT" || doc.DataLicense != "CC0-1.0" || doc.DocumentNamespace == "" || doc.CreationInfo == nil) {
		err = errors.New("it lacks what each document has")
	}
	if err != nil {
		t.Fatalf("SPDX: %v\n%.500s", err, text)
	}
	for _, p := range doc.Packages {
		if p.PackageName == "nginx" && p.PackageVersion != "" {
			return
		}
	}
	t.Errorf("SPDX lacks nginx among %d packages", len(doc.Packages))
}

// TestScanJudges asks the policy of what lies on this machine.
func TestScanJudges(t *testing.T) {
	s := harness.OpenShop(t)
	risky := filepath.Join(harness.Folder(t), "db")
	harness.MakeDatabase(t, risky, harness.DatabaseTime(), harness.Facts)
	layout := filepath.Join(s.Out, "web.oci")
	strict, mild := s.Policy("gate: {allowSkippedTests: true}\n"), s.Policy("gate: {allowSkippedTests: true, vulnerabilities: {failOn: critical}}\n")
	for _, tt := range []struct {
		name   string
		policy string
		judge  bool
		code   int
		texts  []string
	}{
		{"the policy says no", strict, true, 6, []string{"vulnerabilities", "2 from high on", "next:"}},
		{"the policy takes it", mild, true, 0, []string{"passed"}},
		{"the policy is not asked", strict, false, 0, nil},
		{"nothing was tested", s.Policy(""), true, 6, []string{"tests"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.T = t
			args := []string{"scan", "--database", risky, "--policy", tt.policy, "--format", "json"}
			if tt.judge {
				args = append(args, "--judge")
			}
			o := s.Run(append(args, layout)...).Want(t, tt.code, tt.texts...)
			checkReports(t, o.Stdout)
			if !tt.judge && strings.Contains(o.Stderr, "vulnerabilities") {
				t.Errorf("nobody asked, and stderr holds\n%s", o.Stderr)
			}
		})
	}
}
