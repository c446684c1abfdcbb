package status

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

const ordinary = `Package: libc6
Status: install ok installed
Priority: optional
Section: libs
Maintainer: Somebody <a@example.org>
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.41-12+deb13u1
Provides: libc6-x, libc6-y (= 1:2~rc1)
Depends: libgcc-s1,  libcrypt1 (>= 1:4.4.10-10)|libcrypt-any:any ( >> 2 )
Conffiles:
 /etc/ld.so.conf.d/x.conf 0000
Description: text
 Depends: not-a-field

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: newer
Status: install ok installed
Architecture: all
Version: 1
`

// TestStatusIsWrittenAnew: apt reads of a base image's package database what
// was understood of it, in our own words.
func TestStatusIsWrittenAnew(t *testing.T) {
	const want = `Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Priority: optional
Version: 2.41-12+deb13u1
Depends: libgcc-s1, libcrypt1 (>= 1:4.4.10-10) | libcrypt-any:any (>> 2)
Provides: libc6-x, libc6-y (= 1:2~rc1)

`
	var out bytes.Buffer
	err := Rewrite(&out, []byte(ordinary), []lock.Pin{{Name: "newer"}})
	if err != nil || out.String() != want {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// TestHostileStatus: what no dpkg writes never reaches apt.
func TestHostileStatus(t *testing.T) {
	stanza := func(lines string) string { return "Package: aa\nStatus: install ok installed\n" + lines + "\n" }
	const rest = "Architecture: amd64\nVersion: 1\n"
	for name, status := range map[string]string{
		"a name of a path":         "Package: ../../etc/x\nStatus: install ok installed\n" + rest,
		"a name of an option":      "Package: --help\nStatus: install ok installed\n" + rest,
		"no status":                "Package: aa\n" + rest,
		"half there":               "Package: aa\nStatus: install ok half-configured\n" + rest,
		"to be reinstalled":        "Package: aa\nStatus: install reinstreq installed\n" + rest,
		"no version":               stanza("Architecture: amd64\n"),
		"an empty version":         stanza("Architecture: amd64\nVersion:\n"),
		"a version with a control": stanza("Architecture: amd64\nVersion: 1\x00\x1b[31m\n"),
		"a version in two lines":   stanza("Architecture: amd64\nVersion: 1\n 2\n"),
		"an endless version":       stanza("Architecture: amd64\nVersion: " + strings.Repeat("1", 4000) + "\n"),
		"an odd architecture":      stanza("Architecture: am/d64\nVersion: 1\n"),
		"an odd relation":          stanza(rest + "Depends: bb (= $(id))\n"),
		"an odd qualifier":         stanza(rest + "Depends: bb:a/b\n"),
		"endless relations":        stanza(rest + "Depends: " + strings.Repeat("bb, ", maxRelations+1) + "\n"),
		"a field twice":            stanza(rest + "Version: 2\n"),
		"no field":                 stanza(rest + "nonsense\n"),
		"a package twice":          stanza(rest) + stanza(rest),
		"an endless stanza":        stanza(rest + "Description: " + strings.Repeat("x", 5<<20) + "\n"),
	} {
		var out bytes.Buffer
		if err := Rewrite(&out, []byte(status), nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, and apt reads\n%.200s", name, err, out.String())
		}
	}
}

// TestStatusOfAMachine reads what a real dpkg wrote, where there is one.
func TestStatusOfAMachine(t *testing.T) {
	status, err := os.ReadFile("/var/lib/dpkg/status")
	if err != nil {
		t.Skip(err)
	}
	var once, twice bytes.Buffer
	if err := restate(&once, bytes.NewReader(status), nil); err != nil {
		t.Fatal(err)
	}
	if err := restate(&twice, bytes.NewReader(once.Bytes()), nil); err != nil || once.String() != twice.String() || once.Len() == 0 {
		t.Errorf("read again it is another one: %v", err)
	}
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte(ordinary))
	f.Fuzz(func(t *testing.T, status []byte) {
		var once, twice bytes.Buffer
		if restate(&once, bytes.NewReader(status), nil) != nil {
			return
		}
		if err := restate(&twice, bytes.NewReader(once.Bytes()), nil); err != nil || once.String() != twice.String() {
			t.Errorf("%v: %q was restated as %q and %q", err, status, once.String(), twice.String())
		}
		for _, c := range once.Bytes() {
			if c < ' ' && c != '\n' || c > '~' {
				t.Errorf("%q keeps a control character", once.String())
			}
		}
	})
}
