//go:build goexperiment.jsonv2

package trivy

import (
	"crypto/md5"
	"fmt"
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

// TestListOfAnotherManager: in an image of Debian, a list of apk's or rpm's adds
// no package, and no package of a language is passed by because such a list
// claims its file, in whatever layer it lies; in one of Alpine, dpkg's is no
// more.
func TestListOfAnotherManager(t *testing.T) {
	dir := t.TempDir()
	db := database(t, dir)
	plain, alpine := oldDebian(t), oldDebian(t)
	delete(alpine, "etc/debian_version")
	delete(alpine, "var/lib/dpkg/status")
	alpine["usr/lib/os-release"] = "ID=alpine\nVERSION_ID=3.20.1\n"
	own := "P:musl\nV:1.2.5-r0\nA:x86_64\n\n"
	alpine["lib/apk/db/installed"] = own
	apk := "P:fake\nV:9.9-r0\nA:x86_64\nF:usr/lib/node_modules/left-pad\nR:package.json\nF:usr/share/java\nR:thing.jar\n\n"
	status := made.Package("fake", "9.9", "")
	claim := map[string]string{"var/lib/dpkg/status": status, "var/lib/dpkg/info/fake.list": "/usr/share/java/thing.jar\n"}
	for _, name := range []string{"usr/lib/node_modules/left-pad/package.json", "usr/share/java/thing.jar"} {
		claim["var/lib/dpkg/info/fake.md5sums"] += fmt.Sprintf("%x  %s\n", md5.Sum([]byte(plain[name])), name)
	}
	with := func(tree made.Tree, more map[string]string) made.Tree {
		all := maps.Clone(tree)
		maps.Copy(all, more)
		return all
	}
	layers := func(trees ...made.Tree) (all []made.Layer) {
		for _, tree := range trees {
			all = append(all, made.Gzip(t, made.Tar(t, tree)))
		}
		return all
	}
	var req protocol.Request
	var names []string
	image := func(name string, layers []made.Layer) {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		names = append(names, name)
		req.Roots = append(req.Roots, protocol.Root{Name: "app", Kind: protocol.Image, Path: path, Digest: made.Image(t, path, layers...)})
	}
	image("Debian", layers(plain))
	image("a list of apk in it", layers(with(plain, map[string]string{"lib/apk/db/installed": apk})))
	release, rest := made.Debian(), with(plain, map[string]string{"usr/lib/apk/db/installed": apk})
	for name := range release {
		if name != "var/lib/dpkg/status" {
			delete(rest, name)
		}
	}
	image("a list of apk in a layer above", layers(release, rest))
	image("Alpine", layers(alpine))
	image("a list of dpkg in it", layers(with(alpine, claim)))
	image("apk's own list claims", layers(with(alpine, map[string]string{"lib/apk/db/installed": own + strings.Replace(apk, "fake", "pad", 1)})))
	below := made.Tree{"usr/lib/os-release": alpine["usr/lib/os-release"], "lib/apk/db/installed": own}
	above := with(alpine, map[string]string{"lib/apk/db/installed": own + strings.Replace(apk, "fake", "pad", 1)})
	delete(above, "usr/lib/os-release")
	image("apk's own list claims in a layer above", layers(below, above))
	req.Database, req.Now = db, now()
	results, err := Scan(t.Context(), req, nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for i, name := range names {
		seen[name] = strings.Join(weSee(results[i].Report), "\n")
	}
	for name, like := range map[string]string{"a list of apk in it": "Debian", "a list of apk in a layer above": "Debian", "a list of dpkg in it": "Alpine"} {
		if seen[name] != seen[like] {
			t.Errorf("%s: saw\n%s\nwant\n%s", name, seen[name], seen[like])
		}
	}
	for _, name := range []string{"apk's own list claims", "apk's own list claims in a layer above"} {
		if got := seen[name]; !strings.Contains(seen["Alpine"], "left-pad") || strings.Contains(got, "left-pad") || !strings.Contains(got, "pad") {
			t.Errorf("%s: in Alpine, where there was\n%s\nwhat apk brought is told as\n%s", name, seen["Alpine"], got)
		}
	}
}
