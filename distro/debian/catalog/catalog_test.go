package catalog_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/distro/debian/catalog"
)

func pkg(name, version string) catalog.Package {
	return catalog.Package{
		Name: name, Version: version, Arch: "amd64", Source: name + "-src", SourceVersion: version, PreDepends: "aa (>= 1)", Depends: "bb | cc",
		Conflicts: "dd", Breaks: "ee (<< 2)", SHA256: strings.Repeat(version[:1], 32), Size: 5 << 32,
	}
}

func written(t testing.TB, packages ...catalog.Package) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := catalog.Write(&b, packages); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFind(t *testing.T) {
	essential, provider, other := pkg("bash", "5-1"), pkg("nginx", "1-1"), pkg("apache2", "2-1")
	essential.Essential = true
	provider.Provides, other.Provides = "httpd, httpd-cgi (= 1)", "httpd"
	epoch, tilde := pkg("nginx", "1:0"), pkg("nginx", "1~rc1")
	c, err := catalog.Read(bytes.NewReader(written(t, tilde, provider, essential, epoch, other)), 0)
	if err != nil || c.Len() != 5 {
		t.Fatalf("%d packages, %v", c.Len(), err)
	}
	var found []catalog.Package
	from, to := c.Find("nginx")
	for n := from; n < to; n++ {
		found = append(found, c.Package(n))
	}
	if want := []catalog.Package{epoch, provider, tilde}; !reflect.DeepEqual(found, want) {
		t.Errorf("found %+v, want %+v", found, want)
	}
	for _, none := range []string{"", "a", "nginx-common", "zz"} {
		if from, to := c.Find(none); from != to {
			t.Errorf("%q was found", none)
		}
	}
	if from, _ := c.Find("bash"); !reflect.DeepEqual(c.Package(from), essential) {
		t.Errorf("got %+v", c.Package(from))
	}
	var providers []string
	for _, n := range c.Providers("httpd") {
		providers = append(providers, c.Package(n).Name)
	}
	if fmt.Sprint(providers, len(c.Providers("httpd-cgi")), len(c.Providers("nginx"))) != "[apache2 nginx] 1 0" {
		t.Errorf("httpd is provided by %v", providers)
	}
}

func TestWriteRefuses(t *testing.T) {
	short, odd := pkg("aa", "1"), pkg("bb", "1")
	short.SHA256, odd.Provides = "x", "UPPER"
	for _, p := range []catalog.Package{short, odd} {
		if err := catalog.Write(&bytes.Buffer{}, []catalog.Package{p}); err == nil || !strings.Contains(err.Error(), p.Name) {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

// TestFlippedBits changes every byte of a catalog, and cuts it everywhere.
func TestFlippedBits(t *testing.T) {
	whole := written(t, pkg("aa", "1"), pkg("bb", "2"))
	for n := range whole {
		changed := bytes.Clone(whole)
		changed[n] ^= 0x40
		if _, err := catalog.Read(bytes.NewReader(changed), 0); err == nil {
			t.Errorf("byte %d may be another", n)
		}
		if _, err := catalog.Read(bytes.NewReader(whole[:n]), 0); err == nil {
			t.Errorf("%d bytes of %d are enough", n, len(whole))
		}
	}
	if _, err := catalog.Read(bytes.NewReader(append(whole, 0)), 0); err == nil {
		t.Error("a byte more is no harm")
	}
}

// FuzzRead gives the reader bodies with a digest that holds.
func FuzzRead(f *testing.F) {
	whole := written(f, pkg("aa", "1"), pkg("bb", "2"))
	head := len(catalog.Head)
	f.Add(whole[head+32:])
	f.Fuzz(func(_ *testing.T, body []byte) {
		c, err := catalog.Read(bytes.NewReader(catalog.Sealed(body)), 0)
		if err != nil {
			return
		}
		for n := range c.Len() {
			p := c.Package(n)
			c.Find(p.Name)
			c.Providers(p.Name)
		}
	})
}
