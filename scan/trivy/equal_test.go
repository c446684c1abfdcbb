//go:build goexperiment.jsonv2

package trivy

import (
	"archive/tar"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aquasecurity/trivy/pkg/types"

	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/content/made"
	"github.com/bakelite/bakelite/scan/protocol"
	"github.com/bakelite/bakelite/scan/trivy/analysis"
	"github.com/bakelite/bakelite/scan/trivy/testdb"
)

// token has the form of a GitHub token, and is none.
const token = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"

func now() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// oldDebian has packages that later uploads fixed, a Python and a Node
// package, a jar, and a secret.
func oldDebian(t *testing.T) made.Tree {
	tree := made.Debian(
		made.Package("openssl", "3.5.1-1", ""),
		made.Package("libssl3t64", "3.5.1-1", "openssl"),
		made.Package("nginx-common", "1.26.3-3+deb13u10", "nginx"),
		made.Package("libc6", "2.41-12+deb13u5", "glibc"),
		made.Package("zlib1g", "1:1.3.dfsg+really1.3.1-1+b1", "zlib (1:1.3.dfsg+really1.3.1-1)"),
	)
	maps.Copy(tree, made.Tree{
		"opt/app/token.txt": "token = " + token + "\n",
		"usr/lib/python3/dist-packages/requests-2.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: requests\nVersion: 2.0\nLicense: Apache-2.0\n",
		"usr/lib/node_modules/left-pad/package.json":                    `{"name":"left-pad","version":"1.3.0","license":"WTFPL"}`,
		"usr/share/java/thing.jar":                                      jar(t),
	})
	return tree
}

func database(t *testing.T, cache string) protocol.Database {
	t.Helper()
	facts, err := testdb.Advisories()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(cache, "db")
	if err := testdb.Write(folder, now(), facts); err != nil {
		t.Fatal(err)
	}
	return protocol.Database{Folder: folder, Ref: "test"}
}

// peer builds the trivy program of the same version.
func peer(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("building trivy takes minutes")
	}
	file := filepath.Join(t.TempDir(), "trivy")
	build := exec.Command("go", "build", "-C", "testdata/peer", "-o", file, "github.com/aquasecurity/trivy/cmd/trivy")
	build.Env = append(os.Environ(), "GOEXPERIMENT=jsonv2", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building trivy: %v\n%s", err, out)
	}
	return file
}

// TestEqualsTrivy compares every package, finding and secret with those of
// the trivy program, on an image, a folder and a disk.
func TestEqualsTrivy(t *testing.T) {
	program := peer(t)
	dir := t.TempDir()
	db := database(t, filepath.Join(dir, "cache"))
	if err := analysis.OpenJava("", dir, now()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "java", "java-db"), filepath.Join(dir, "cache", "java-db")); err != nil {
		t.Fatal(err)
	}
	tree, image := filepath.Join(dir, "tree"), filepath.Join(dir, "image")
	made.Folder(t, tree, oldDebian(t))
	second := made.Tar(t, made.Tree{"usr/lib/node_modules/.wh.left-pad": "", "opt/new.txt": "token: " + token + "\n"}, tar.Header{Name: "opt/app/.wh..wh..opq", Typeflag: tar.TypeReg})
	digest := made.Image(t, image, made.Gzip(t, made.Tar(t, oldDebian(t))), made.Zstd(t, second))
	roots := []protocol.Root{
		{Name: "image", Kind: protocol.Image, Path: image, Digest: digest},
		{Name: "tree", Kind: protocol.Folder, Path: tree},
	}
	want := [][]string{peerSees(t, program, dir, "image", "--input", image), peerSees(t, program, dir, "rootfs", tree)}
	for _, form := range []string{"raw", "qcow2"} {
		file := filepath.Join(dir, "disk."+form)
		made.Disk(t, tree, file, form)
		roots, want = append(roots, protocol.Root{Name: form, Kind: protocol.Disk, Path: file}), append(want, want[1])
	}
	results, err := Scan(t.Context(), protocol.Request{Roots: roots, Database: db, Now: now()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		got := weSee(r.Report)
		if !slices.Equal(got, want[i]) {
			t.Errorf("%s:\n got %s\nwant %s", roots[i].Name, strings.Join(got, "\n     "), strings.Join(want[i], "\n     "))
		}
		if len(r.Report.Findings) < 10 || len(r.Report.Secrets) == 0 {
			t.Errorf("%s: %d findings and %d secrets", roots[i].Name, len(r.Report.Findings), len(r.Report.Secrets))
		}
		if all, _ := json.Marshal(r); strings.Contains(string(all), token[4:20]) {
			t.Errorf("%s: the secret is in the result", roots[i].Name)
		}
	}
}

func weSee(r scan.Report) []string {
	var lines []string
	for _, p := range r.Packages {
		lines = append(lines, strings.Join([]string{"package", p.Type, p.Name, p.PURL}, " "))
	}
	for _, f := range r.Findings {
		lines = append(lines, strings.Join([]string{"finding", f.ID, f.Package, f.Version, f.FixedVersion, f.Severity, f.Source, f.Status}, " "))
	}
	for _, s := range r.Secrets {
		lines = append(lines, "secret "+s.Rule+" "+s.Path)
	}
	slices.Sort(lines)
	return lines
}

func peerSees(t *testing.T, program, dir, command string, args ...string) []string {
	t.Helper()
	all := append([]string{command, "--cache-dir", filepath.Join(dir, "cache"), "--skip-db-update", "--skip-java-db-update", "--offline-scan",
		"--skip-version-check", "--disable-telemetry", "--list-all-pkgs", "--format", "json", "--quiet"}, args...)
	cmd := exec.Command(program, all...)
	cmd.Env, cmd.Dir = []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}, dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("trivy %s: %v", command, err)
	}
	var report types.Report
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range report.Results {
		for _, p := range r.Packages {
			lines = append(lines, strings.Join([]string{"package", string(r.Type), p.Name, purl(p.Identifier)}, " "))
		}
		for _, v := range r.Vulnerabilities {
			lines = append(lines, strings.Join([]string{"finding", v.VulnerabilityID, v.PkgName, v.InstalledVersion, v.FixedVersion, strings.ToLower(v.Severity), string(v.SeveritySource), v.Status.String()}, " "))
		}
		for _, s := range r.Secrets {
			lines = append(lines, "secret "+s.RuleID+" "+filepath.Join("/", r.Target))
		}
	}
	slices.Sort(lines)
	return lines
}
