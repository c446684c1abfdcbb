//go:build goexperiment.jsonv2

package trivy

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/scan/content/made"
	"github.com/bakelite/bakelite/scan/protocol"
)

const vendored = "srv/vendor/composer/installed.json"

// TestImageSpeaksForItself: what an image says of the makers of its packages,
// or in an SBOM of its own, hides nothing of what is found without that.
func TestImageSpeaksForItself(t *testing.T) {
	dir := t.TempDir()
	db := database(t, dir)
	plain := func() made.Tree {
		tree := oldDebian(t)
		tree[vendored] = `{"packages":[{"name":"acme/lib","version":"1.0.0","version_normalized":"1.0.0.0"}]}`
		return tree
	}
	status := "var/lib/dpkg/status"
	maintainer := func(who string) func(made.Tree) {
		return func(tree made.Tree) {
			tree[status] = strings.ReplaceAll(tree[status], "Maintainer: Debian", "Maintainer: "+who)
		}
	}
	sbom := `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[
	  {"bom-ref":"a","type":"application","name":"` + vendored + `","properties":[{"name":"aquasecurity:trivy:Class","value":"lang-pkgs"},{"name":"aquasecurity:trivy:Type","value":"composer-vendor"}]},
	  {"bom-ref":"b","type":"library","name":"harmless","version":"9","purl":"pkg:composer/harmless@9","properties":[{"name":"aquasecurity:trivy:PkgType","value":"composer-vendor"}]}],
	  "dependencies":[{"ref":"a","dependsOn":["b"]}]}`
	attacks := map[string]func(made.Tree){
		"nothing":                  func(made.Tree) {},
		"a third-party maintainer": maintainer("HashiCorp"),
		"a third-party address":    maintainer("Docker <support@docker.com>"),
		"a package whose files were replaced": func(tree made.Tree) {
			for _, name := range []string{vendored, "usr/lib/node_modules/left-pad/package.json", "usr/share/java/thing.jar"} {
				tree["var/lib/dpkg/info/libc6.md5sums"] += strings.Repeat("0", 32) + "  " + name + "\n"
			}
		},
		"an SBOM for another file": func(tree made.Tree) { tree["srv/z.cdx.json"] = sbom },
	}
	var req protocol.Request
	names := slices.Sorted(maps.Keys(attacks))
	for _, name := range append(names, "nothing") { // the last is what is compared with
		tree := plain()
		attacks[name](tree)
		folder := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		made.Folder(t, folder, tree)
		req.Roots = append(req.Roots, protocol.Root{Name: "app", Kind: protocol.Folder, Path: folder})
	}
	req.Database, req.Now = db, now()
	results, err := Scan(t.Context(), req, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := weSee(results[len(names)].Report)
	if !strings.Contains(strings.Join(want, "\n"), "acme/lib") || !strings.Contains(strings.Join(want, "\n"), "finding") {
		t.Fatalf("there is nothing to hide: %s", want)
	}
	for i, name := range names {
		seen := weSee(results[i].Report)
		for _, line := range want {
			if !slices.Contains(seen, line) {
				t.Errorf("%s hides %s", name, line)
			}
		}
	}
}
