package dpkg

import (
	"errors"
	"maps"
	"strings"
	"testing"
)

const stanzas = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\nPackage: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\n\n"

func evidence() map[string]string {
	return map[string]string{
		"var/lib/dpkg/status": stanzas, "var/lib/dpkg/info/libc6:amd64.md5sums": "00  usr/lib/libc.so\n", "var/lib/dpkg/info/nginx.list": "/.\n",
		"usr/share/doc/nginx/copyright": "BSD\n", "usr/share/doc/nginx/changelog": "1\n", "usr/share/doc/nginx-common": "-> nginx",
		"usr/lib/os-release": "ID=debian\n", "etc/os-release": "-> ../usr/lib/os-release", "etc/debian_version": "13.8\n",
	}
}

// TestStepForgesEvidence has the app's own part change what packages are known
// and judged by. What it may do to other files, and packages that it adds, pass.
func TestStepForgesEvidence(t *testing.T) {
	const remove = "\x00"
	added := "Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
	for name, tt := range map[string]struct {
		change map[string]string
		named  string // what the error names; "" passes
	}{
		"nothing":                             {nil, ""},
		"an emptied status":                   {map[string]string{"var/lib/dpkg/status": ""}, "/var/lib/dpkg/status (package libc6)"},
		"a dropped stanza":                    {map[string]string{"var/lib/dpkg/status": strings.SplitAfter(stanzas, "\n\n")[0]}, "/var/lib/dpkg/status (package nginx)"},
		"a raised version":                    {map[string]string{"var/lib/dpkg/status": strings.Replace(stanzas, "Version: 2", "Version: 9999", 1)}, "/var/lib/dpkg/status (package nginx)"},
		"a second, newer entry":               {map[string]string{"var/lib/dpkg/status": stanzas + "Package: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 9999\n\n"}, "/var/lib/dpkg/status (package nginx)"},
		"another maintainer":                  {map[string]string{"var/lib/dpkg/status": strings.Replace(stanzas, "Version: 2", "Version: 2\nMaintainer: HashiCorp", 1)}, "(package nginx)"},
		"a removed status":                    {map[string]string{"var/lib/dpkg/status": remove}, "/var/lib/dpkg/status (package libc6)"},
		"a rewritten licence":                 {map[string]string{"usr/share/doc/nginx/copyright": "MIT\n"}, "/usr/share/doc/nginx/copyright"},
		"a removed licence":                   {map[string]string{"usr/share/doc/nginx/copyright": remove}, "/usr/share/doc/nginx/copyright"},
		"a licence by a link":                 {map[string]string{"usr/share/doc/nginx/copyright": "-> /srv/mit"}, "/usr/share/doc/nginx/copyright"},
		"a licence where there was none":      {map[string]string{"usr/share/doc/libc6/copyright": "MIT\n"}, "/usr/share/doc/libc6/copyright"},
		"files that a package claims":         {map[string]string{"var/lib/dpkg/info/libc6:amd64.md5sums": "00  srv/app/package.json\n"}, "/var/lib/dpkg/info/libc6:amd64.md5sums"},
		"files under a package's short name":  {map[string]string{"var/lib/dpkg/info/libc6.md5sums": "00  srv/app/package.json\n"}, "/var/lib/dpkg/info/libc6.md5sums"},
		"files claimed elsewhere":             {map[string]string{"var/lib/dpkg/status.d/libc6.md5sums": "00  srv/app/package.json\n"}, "/var/lib/dpkg/status.d/libc6.md5sums"},
		"another release":                     {map[string]string{"etc/debian_version": "99.0\n"}, "/etc/debian_version"},
		"another system":                      {map[string]string{"usr/lib/os-release": "ID=alpine\n"}, "/usr/lib/os-release"},
		"a link to another system":            {map[string]string{"etc/os-release": "-> /srv/os-release"}, "/etc/os-release"},
		"a system where there was a link":     {map[string]string{"etc/os-release": "ID=debian\n"}, "/etc/os-release"},
		"files claimed by apk's list":         {map[string]string{"lib/apk/db/installed": "F:srv/app\nR:package.json\n"}, "/lib/apk/db/installed"},
		"by apk's other list":                 {map[string]string{"usr/lib/apk/db/installed": "F:srv/app\nR:package.json\n"}, "/usr/lib/apk/db/installed"},
		"files claimed by an RPM database":    {map[string]string{"usr/lib/sysimage/rpm/rpmdb.sqlite": "SQLite"}, "/usr/lib/sysimage/rpm/rpmdb.sqlite"},
		"by an RPM database at its old place": {map[string]string{"var/lib/rpm/Packages.db": "x"}, "/var/lib/rpm/Packages.db"},
		"by that of an immutable system":      {map[string]string{"usr/share/rpm/rpmdb.sqlite": "x"}, "/usr/share/rpm/rpmdb.sqlite"},
		"a list of RPM packages":              {map[string]string{"var/lib/rpmmanifest/container-manifest-2": "x"}, "/var/lib/rpmmanifest/container-manifest-2"},
		"a package that is added": {map[string]string{
			"var/lib/dpkg/status": stanzas + added, "var/lib/dpkg/info/tool.md5sums": "00  usr/bin/tool\n", "usr/share/doc/tool/copyright": "MIT\n",
		}, ""},
		"digests of packages": {map[string]string{"var/lib/dpkg/available": "Package: nginx\nVersion: 2\nSHA256: 00\n"}, "/var/lib/dpkg/available"},
		"other files":         {map[string]string{"usr/share/doc/nginx/changelog": remove, "srv/a\nb": "x", "usr/share/doc/a\nb/copyright": "x"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			after := evidence()
			maps.Copy(after, tt.change)
			maps.DeleteFunc(after, func(_, text string) bool { return text == remove })
			was, err := ReadEvidence(newTree(t, evidence()).FS)
			if err != nil {
				t.Fatal(err)
			}
			now, err := ReadEvidence(newTree(t, after).FS)
			if err != nil {
				t.Fatal(err)
			}
			err = was.Unspoiled(now)
			var spoiled *SpoiledError
			if tt.named == "" && err != nil {
				t.Errorf("it was refused: %v", err)
			}
			if tt.named != "" && (!errors.As(err, &spoiled) || !strings.Contains(spoiled.Error(), tt.named)) {
				t.Errorf("got %v, want %s", err, tt.named)
			}
		})
	}
}

// TestEvidenceBehindALink moves a whole folder of evidence away and lets a link
// lead to a copy, which later steps could change unseen.
func TestEvidenceBehindALink(t *testing.T) {
	for _, folder := range []string{"var/lib/dpkg", "usr/share/doc", "usr/share"} {
		after := map[string]string{folder: "-> /srv/copy"}
		for name, text := range evidence() {
			if rest, below := strings.CutPrefix(name, folder+"/"); below {
				name = "srv/copy/" + rest
			}
			after[name] = text
		}
		was, err := ReadEvidence(newTree(t, evidence()).FS)
		if err != nil {
			t.Fatal(err)
		}
		now, err := ReadEvidence(newTree(t, after).FS)
		if err != nil {
			t.Fatal(err)
		}
		var spoiled *SpoiledError
		if err := was.Unspoiled(now); !errors.As(err, &spoiled) {
			t.Errorf("%s moved: %v", folder, err)
		}
	}
}
