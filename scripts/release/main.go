// Command release packs the programs that make build made for one architecture
// as a release has them: an archive, a Debian package, an SBOM and the Packer
// plugin's archive. The same
// programs give the same bytes. It builds nothing and signs nothing.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// release is what is packed.
type release struct {
	// version is without its v: "1.2.3"; arch is Go's and Debian's name.
	version, arch string
	// epoch is the time that everything has.
	epoch time.Time
	// files are what is in it, by the path from the root of a system.
	files []file
	// depends and recommends are Debian packages, separated by commas.
	depends, recommends string
}

// file is one file of a release.
type file struct {
	path string
	mode int64
	data []byte
}

func main() {
	version := flag.String("version", "", "the version, without v")
	arch := flag.String("arch", "", "amd64 or arm64")
	epoch := flag.Int64("epoch", 0, "the time that files have, in seconds since 1970")
	from := flag.String("from", "bin", "folder with the programs")
	described := flag.String("plugin", "", "what packer-plugin-bakelite describe prints")
	out := flag.String("out", "dist/release", "folder to write to")
	flag.Parse()
	r := release{version: *version, arch: *arch, epoch: time.Unix(*epoch, 0).UTC()}
	if err := r.pack(*described, *from, *out); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// pack reads everything and writes it, and all digests to SHA256SUMS.
func (r release) pack(described, from, out string) error {
	p, err := readPlugin(described)
	if err != nil {
		return err
	}
	if err := r.read(from); err != nil {
		return err
	}
	if err := r.write(out); err != nil {
		return err
	}
	if err := r.writePlugin(p, from, out); err != nil {
		return err
	}
	return sums(filepath.Join(out, "SHA256SUMS"), filepath.Join(out, "bakelite_*"), filepath.Join(out, pluginName+"_*"))
}

// read reads the programs, the licence and what they need to run.
func (r *release) read(from string) error {
	if r.version == "" || r.arch != "amd64" && r.arch != "arm64" {
		return fmt.Errorf("a release has a version, and the architecture amd64 or arm64")
	}
	for _, f := range []file{
		{path: "usr/bin/bakelite", mode: 0o755}, {path: "usr/bin/bakelite-scan", mode: 0o755},
		{path: "usr/share/doc/bakelite/copyright", mode: 0o644},
	} {
		name := filepath.Join(from, filepath.Base(f.path))
		if f.mode == 0o644 {
			name = "LICENSE"
		}
		var err error
		if f.data, err = os.ReadFile(name); err != nil {
			return err
		}
		r.files = append(r.files, f)
	}
	text, err := os.ReadFile("system-packages.txt")
	r.depends, r.recommends = needs(string(text), r.arch)
	return err
}

// needs are the packages of system-packages.txt that running takes, and those
// that running without root takes.
func needs(text, arch string) (depends, recommends string) {
	if arch == "arm64" {
		text = strings.NewReplacer("qemu-system-x86", "qemu-system-arm", "ovmf", "qemu-efi-aarch64").Replace(text)
	}
	section, lists := "", map[string][]string{}
	for line := range strings.Lines(text) {
		name, comment, _ := strings.Cut(line, "#")
		switch name = strings.TrimSpace(name); {
		case name != "":
			lists[section] = append(lists[section], name)
		case strings.HasPrefix(comment, " to "):
			section = strings.TrimSpace(comment)
		}
	}
	return strings.Join(lists["to run"], ", "), strings.Join(lists["to run without root"], ", ")
}

// write writes the archive, the package and the SBOM.
func (r release) write(out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, made := range []struct {
		name string
		make func() ([]byte, error)
	}{
		{fmt.Sprintf("bakelite_%s_linux_%s.tar.gz", r.version, r.arch), r.archive},
		{fmt.Sprintf("bakelite_%s_%s.deb", debianVersion(r.version), r.arch), r.deb},
		{fmt.Sprintf("bakelite_%s_linux_%s.cdx.json", r.version, r.arch), r.sbom},
	} {
		data, err := made.make()
		if err == nil {
			err = os.WriteFile(filepath.Join(out, made.name), data, 0o644)
		}
		if err != nil {
			return fmt.Errorf("making %s: %w", made.name, err)
		}
		fmt.Println(made.name)
	}
	return nil
}
