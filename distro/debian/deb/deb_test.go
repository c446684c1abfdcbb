package deb_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/bakelite/bakelite/distro/debian/deb"
)

func tarOf(headers ...tar.Header) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg {
			h.Size = 2
		}
		if err := w.WriteHeader(&h); err != nil {
			panic(err)
		}
		if h.Typeflag == tar.TypeReg {
			io.WriteString(w, "ok")
		}
	}
	w.Close()
	return b.Bytes()
}

func ar(members ...string) []byte {
	b := bytes.NewBufferString("!<arch>\n")
	for i := 0; i < len(members); i += 2 {
		fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n%s", members[i], 0, 0, 0, 0o100644, len(members[i+1]), members[i+1])
		if len(members[i+1])%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

func debOf(packing string, data []byte) []byte {
	return ar("debian-binary", "2.0\n", "control.tar.gz", "odd", "data.tar"+packing, string(data))
}

func list(data []byte) (string, error) {
	var names []string
	err := deb.Data(bytes.NewReader(data), func(h *tar.Header, r io.Reader) error {
		body, err := io.ReadAll(r)
		names = append(names, strings.TrimSpace(fmt.Sprintf("%c %s %s %s", h.Typeflag, h.Name, h.Linkname, body)))
		return err
	})
	return strings.Join(names, ", "), err
}

// xzTar is a tar file with the folder ./usr, packed with xz 5.4.
const xzTar = "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4AX/AEBdABcLyyeJ8uv7sv6J4fnJCB0cKx5/hk24Hs3vQBOLFClofvFujRaKjYgL01gSfZmWALxXcoYCSg4zEFhgaHm6aoAAj4DE4D4wjokAAVyADAAAAHsTKUOxxGf7AgAAAAAEWVo="

func TestPackings(t *testing.T) {
	plain := tarOf(tar.Header{Typeflag: tar.TypeDir, Name: "./usr/"})
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	w.Write(plain)
	w.Close()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	xz, err := base64.StdEncoding.DecodeString(xzTar)
	if err != nil {
		t.Fatal(err)
	}
	for packing, data := range map[string][]byte{"": plain, ".gz": gz.Bytes(), ".zst": z.EncodeAll(plain, nil), ".xz": xz} {
		if got, err := list(debOf(packing, data)); err != nil || got != "5 usr" {
			t.Errorf("%q: got %q, %v", packing, got, err)
		}
	}
	if _, err := list(debOf(".lzma", plain)); err == nil {
		t.Error("read an unknown packing")
	}
}

func TestNamesAreCleanAndRelative(t *testing.T) {
	got, err := list(debOf("", tarOf(
		tar.Header{Typeflag: tar.TypeDir, Name: "./"},
		tar.Header{Typeflag: tar.TypeDir, Name: "./usr/bin/"},
		tar.Header{Typeflag: tar.TypeReg, Name: "./usr/bin/a"},
		tar.Header{Typeflag: tar.TypeLink, Name: "usr/bin/b", Linkname: "./usr/bin/a"},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "./usr/bin/c", Linkname: "../../etc/x"},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "./usr/bin/d", Linkname: "/etc/x"},
	)))
	want := "5 usr/bin, 0 usr/bin/a  ok, 1 usr/bin/b usr/bin/a, 2 usr/bin/c ../../etc/x, 2 usr/bin/d /etc/x"
	if err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
}

func refuse(t *testing.T, want string, headers ...tar.Header) {
	t.Helper()
	got, err := list(debOf("", tarOf(headers...)))
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestPathTraversalIsRefused(t *testing.T) {
	for _, name := range []string{"../x", "./../x", "usr/../../x", "usr/..", "./usr/../x"} {
		refuse(t, "leaves the tree", tar.Header{Typeflag: tar.TypeReg, Name: name})
	}
}

func TestAbsoluteNameIsRefused(t *testing.T) {
	for _, name := range []string{"/etc/passwd", ".//etc/passwd"} {
		refuse(t, "not relative", tar.Header{Typeflag: tar.TypeReg, Name: name})
	}
}

func TestSymlinkOutOfTheTreeIsRefused(t *testing.T) {
	for _, target := range []string{"../../../x", "../../a/../../x", "/../x", "/a/../../x"} {
		refuse(t, "leaves the tree", tar.Header{Typeflag: tar.TypeSymlink, Name: "usr/bin/x", Linkname: target})
	}
}

func TestHardLinkOutOfTheTreeIsRefused(t *testing.T) {
	refuse(t, "leaves the tree", tar.Header{Typeflag: tar.TypeLink, Name: "usr/x", Linkname: "../etc/shadow"})
	refuse(t, "not relative", tar.Header{Typeflag: tar.TypeLink, Name: "usr/x", Linkname: "/etc/shadow"})
}

func TestDeviceAndPipeAreRefused(t *testing.T) {
	for _, kind := range []byte{tar.TypeBlock, tar.TypeChar, tar.TypeFifo} {
		refuse(t, "no package may hold", tar.Header{Typeflag: kind, Name: "dev/sda"})
	}
}

func TestFileInPlaceOfTheRootIsRefused(t *testing.T) {
	refuse(t, "not a folder", tar.Header{Typeflag: tar.TypeSymlink, Name: "./", Linkname: "etc"})
}

func TestMalformedPackages(t *testing.T) {
	good := debOf("", tarOf(tar.Header{Typeflag: tar.TypeReg, Name: "a"}))
	tests := map[string][]byte{
		"empty":             nil,
		"no ar":             []byte("PK\x03\x04 zip"),
		"version 3":         ar("debian-binary", "3.0\n", "data.tar", ""),
		"no debian-binary":  ar("data.tar", string(tarOf())),
		"no data":           ar("debian-binary", "2.0\n", "control.tar", ""),
		"cut in the data":   good[:len(good)-1535],
		"negative size":     bytes.Replace(good, []byte("4         `"), []byte("-4        `"), 1),
		"size is no number": bytes.Replace(good, []byte("4         `"), []byte("x         `"), 1),
		"no end mark":       bytes.Replace(good, []byte("`\n"), []byte("xx"), 1),
	}
	for name, data := range tests {
		if got, err := list(data); err == nil {
			t.Errorf("%s: read %q", name, got)
		}
	}
}

func FuzzData(f *testing.F) {
	f.Add(debOf("", tarOf(tar.Header{Typeflag: tar.TypeReg, Name: "./a"}, tar.Header{Typeflag: tar.TypeSymlink, Name: "b", Linkname: "a"})))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = deb.Data(bytes.NewReader(data), func(h *tar.Header, r io.Reader) error {
			if strings.HasPrefix(h.Name, "/") || strings.Contains("/"+h.Name+"/", "/../") {
				t.Fatalf("name %q", h.Name)
			}
			_, err := io.CopyN(io.Discard, r, 1<<20)
			if err == io.EOF {
				err = nil
			}
			return err
		})
	})
}
