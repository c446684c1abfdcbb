package status_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/distro/debian/status"
	"github.com/bakelite/bakelite/internal/fault"
)

const installed = "Status: install ok installed\n"

func TestParseStatus(t *testing.T) {
	text := "Package: libc6\n" + installed + "Architecture: amd64\nSource: glibc\nVersion: 2.41-12\nDescription: a\n b\n\n" +
		"Package: libacl1\n" + installed + "Architecture: amd64\nSource: acl (2.3.2-2)\nVersion: 2.3.2-2+b1\n\n" +
		"Package: tzdata\nStatus: install ok half-configured\nArchitecture: all\nSource: tzdata (1)\nVersion: 1\n\n" +
		"Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n" +
		"Package: never\nStatus: unknown ok not-installed\nArchitecture: all\n"
	all, err := status.Parse(strings.NewReader(text))
	const want = "[{libc6 2.41-12 amd64 glibc } {libacl1 2.3.2-2+b1 amd64 acl 2.3.2-2} {tzdata 1 all  }]"
	if got := fmt.Sprint(all); err != nil || got != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}

func TestParseStatusRefuses(t *testing.T) {
	const rest = installed + "Architecture: amd64\nVersion: 1\n"
	for name, text := range map[string]string{
		"no control file": "\x00\n", "a name": "Package: a b\n" + rest, "no name": rest,
		"a version": "Package: aa\n" + installed + "Architecture: amd64\nVersion: 1 2\n", "a source": "Package: aa\nSource: ../b\n" + rest,
		"a source's version": "Package: aa\nSource: bb (1;2)\n" + rest, "no architecture": "Package: aa\n" + installed + "Version: 1\n",
		"a package twice": "Package: aa\n" + rest + "\nPackage: aa\n" + rest,
	} {
		if _, err := status.Parse(strings.NewReader(text)); fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add([]byte("Package: aa\nSource: bb (1)\n" + installed + "Architecture: amd64\nVersion: 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := status.Parse(strings.NewReader(string(data)))
		for _, p := range all {
			if p.Name == "" || p.Version == "" || p.Arch == "" || err != nil {
				t.Fatalf("accepted %+v (%v)", p, err)
			}
		}
	})
}
