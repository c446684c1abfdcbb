package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/md5" //nolint:gosec // the form of Debian's md5sums
	"errors"
	"fmt"
	"path"
	"strings"
)

// archive holds the programs and the licence, in one folder.
func (r release) archive() ([]byte, error) {
	folder := fmt.Sprintf("bakelite_%s_linux_%s/", r.version, r.arch)
	files := []file{{path: folder, mode: 0o755}}
	for _, f := range r.files {
		name := strings.Replace(path.Base(f.path), "copyright", "LICENSE", 1)
		files = append(files, file{folder + name, f.mode, f.data})
	}
	return r.tarball(files)
}

// tarball is a gzipped archive of files; a path that ends in a slash is a
// folder.
func (r release) tarball(files []file) ([]byte, error) {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	t := tar.NewWriter(z)
	for _, f := range files {
		h := &tar.Header{Name: f.path, Mode: f.mode, Size: int64(len(f.data)), ModTime: r.epoch, Typeflag: tar.TypeReg, Format: tar.FormatGNU, Uname: "root", Gname: "root"}
		if strings.HasSuffix(f.path, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := t.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := t.Write(f.data); err != nil {
			return nil, err
		}
	}
	err := errors.Join(t.Close(), z.Close())
	return out.Bytes(), err
}

// debianVersion is a version in Debian's form, in which what comes before a
// release is written with a tilde.
func debianVersion(version string) string {
	return strings.ReplaceAll(strings.ReplaceAll(version, "-", "~"), "+", ".")
}

// deb is a package in Debian's form 2.0 (deb(5)).
func (r release) deb() ([]byte, error) {
	var files []file
	folders, sums, size := map[string]bool{}, "", 0
	for _, f := range r.files {
		for i, c := range f.path {
			if folder := "./" + f.path[:i] + "/"; c == '/' && !folders[folder] {
				folders[folder] = true
				files = append(files, file{path: folder, mode: 0o755})
			}
		}
		files = append(files, file{"./" + f.path, f.mode, f.data})
		sums += fmt.Sprintf("%x  %s\n", md5.Sum(f.data), f.path) //nolint:gosec // as above
		size += len(f.data)
	}
	control := fmt.Sprintf(`Package: bakelite
Version: %s
Architecture: %s
Maintainer: The Bakelite authors <bakelite@bakelite.dev>
Installed-Size: %d
Depends: %s
Recommends: %s
Section: devel
Priority: optional
Homepage: https://github.com/bakelite/bakelite
Description: bakes hardened container images and VM disks from one app file
 Bakelite makes a hardened container image and a hardened, bootable VM disk
 from one app file and one pinned root filesystem, tests both, and rebuilds
 them when, and only when, something beneath them changed.
`, debianVersion(r.version), r.arch, size/1024, r.depends, r.recommends)
	meta, err := r.tarball([]file{{"./", 0o755, nil}, {"./control", 0o644, []byte(control)}, {"./md5sums", 0o644, []byte(sums)}})
	if err != nil {
		return nil, err
	}
	data, err := r.tarball(append([]file{{"./", 0o755, nil}}, files...))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString("!<arch>\n")
	for _, m := range []file{{path: "debian-binary", data: []byte("2.0\n")}, {path: "control.tar.gz", data: meta}, {path: "data.tar.gz", data: data}} {
		fmt.Fprintf(&out, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", m.path, r.epoch.Unix(), 0, 0, "100644", len(m.data))
		out.Write(m.data)
		if len(m.data)%2 == 1 {
			out.WriteByte('\n')
		}
	}
	return out.Bytes(), nil
}
