package child_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/content/made"
	"github.com/bakelite/bakelite/scan/protocol"
)

// TestEveryKindInTheCell has all kinds of root, with all that Trivy reads in
// different ways: a call that the filter refuses and a scan needs would show
// in a package that is missing.
func TestEveryKindInTheCell(t *testing.T) {
	dir := folder(t)
	tree := everything(t)
	made.Folder(t, filepath.Join(dir, "tree"), tree)
	roots := []protocol.Root{
		image(t, made.Gzip(t, made.Tar(t, debian())), made.Zstd(t, made.Tar(t, tree))),
		{Name: "tree", Kind: protocol.Folder, Path: filepath.Join(dir, "tree")},
	}
	for _, form := range []string{"raw", "qcow2"} {
		file := filepath.Join(dir, form)
		made.Disk(t, filepath.Join(dir, "tree"), file, form)
		roots = append(roots, protocol.Root{Name: form, Kind: protocol.Disk, Path: file})
	}
	s, req := real(t, roots...)
	s.Cache, s.Vouch = filepath.Join(dir, "cache"), vouchtest.Key(t)
	results, err := s.Scan(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := kindsIn(results[0].Report)
	for _, kind := range []string{"debian", "gobinary", "jar", "node-pkg", "python-pkg"} {
		if !slices.Contains(want, kind) {
			t.Errorf("no package of kind %s in %v", kind, want)
		}
	}
	for i, r := range results {
		// The program is this test, which has the token in it too.
		if got := kindsIn(r.Report); !slices.Equal(got, want) || len(r.Report.Secrets) != 2 {
			t.Errorf("%s: %v and the secrets %+v, want %v and 2", roots[i].Name, got, r.Report.Secrets, want)
		}
		if !slices.ContainsFunc(r.Report.Packages, func(p scan.Package) bool { return p.Path == helper }) {
			t.Errorf("%s: the program on /var was not read", roots[i].Name)
		}
	}
	boms := []protocol.Root{sbom(t, string(results[0].CycloneDX)), sbom(t, string(results[0].SPDX))}
	_, req = real(t, boms...)
	results, err = s.Scan(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if got := kindsIn(r.Report); !slices.Equal(got, want) {
			t.Errorf("SBOM %d: %v, want %v", i, got, want)
		}
	}
	lists, err := s.List(t.Context(), roots)
	if err != nil {
		t.Fatal(err)
	}
	for i, files := range lists {
		if len(files) != len(tree) {
			t.Errorf("%s: %d files, want %d", roots[i].Name, len(files), len(tree))
		}
	}
}

func kindsIn(r scan.Report) []string {
	kinds := map[string]bool{}
	for _, p := range r.Packages {
		kinds[p.Type] = true
	}
	return slices.Sorted(maps.Keys(kinds))
}

// helper is a program on the file system of a disk that is writable.
const helper = "var/lib/app/bin/helper"

// everything is a tree of Debian with packages of languages, a secret, and two
// Go programs of which one is too large to be held in memory.
func everything(t *testing.T) made.Tree {
	t.Helper()
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	small := filepath.Join(t.TempDir(), "helper")
	made.Run(t, "go", "build", "-o", small, "../../runners/container/testdata/service/main.go")
	text, err := os.ReadFile(small)
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	w := zip.NewWriter(&jar)
	f, err := w.Create("META-INF/maven/org.example/thing/pom.properties")
	if err == nil {
		_, err = fmt.Fprint(f, "groupId=org.example\nartifactId=thing\nversion=1.0\n")
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	tree := debian()
	maps.Copy(tree, made.Tree{
		"usr/bin/program":          string(program) + strings.Repeat("\x00", 33<<20),
		helper:                     string(text),
		"usr/share/java/thing.jar": jar.String(),
		"opt/app/token.txt":        "token = ghp_" + "0123456789abcdefghijABCDEFGHIJ012345\n",
		"usr/lib/python3/dist-packages/requests-2.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: requests\nVersion: 2.0\n",
		"usr/lib/node_modules/left-pad/package.json":                    `{"name":"left-pad","version":"1.3.0"}`,
	})
	return tree
}
