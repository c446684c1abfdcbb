package archivetest

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/bakelite/bakelite/internal/lock"
)

// Package is one package: its entry in an index, and its .deb.
type Package struct {
	Name, Version string
	// Source is as the field has it: "name (version)"; "" is the package's own.
	Source string
	// Fields are further lines, such as "Depends: libc6\n".
	Fields string
	// Entries are what it holds; regular files hold their own names.
	Entries []tar.Header
	// Packing is that of the data member: "", ".gz" or ".zst".
	Packing string
}

// Pin is the package as a lock has it.
func (p Package) Pin(archive string) lock.Pin {
	data := p.build()
	source, version, _ := strings.Cut(p.Source, " (")
	return lock.Pin{
		Name: p.Name, Version: p.Version, Arch: "amd64", Archive: archive, Path: p.path(), SHA256: Sum(data), Size: int64(len(data)),
		Source: source, SourceVersion: strings.TrimSuffix(version, ")"),
	}
}

func (p Package) path() string {
	return "pool/main/" + p.Name + "/" + p.Name + "_" + strings.ReplaceAll(p.Version, ":", "%3a") + ".deb"
}

func (p Package) stanza(data []byte) string {
	source := ""
	if p.Source != "" {
		source = "Source: " + p.Source + "\n"
	}
	return fmt.Sprintf("Package: %s\n%sVersion: %s\nArchitecture: amd64\n%sFilename: %s\nSize: %d\nSHA256: %s\nDescription: test\n\n",
		p.Name, source, p.Version, p.Fields, p.path(), len(data), Sum(data))
}

// build returns the .deb; entries that tar does not know are the test's own
// mistake, and panic.
func (p Package) build() []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range p.Entries {
		body := ""
		if h.Typeflag == tar.TypeReg {
			body = "I am " + h.Name + "\n"
		}
		h.Size, h.ModTime = int64(len(body)), Released()
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		if err := w.WriteHeader(&h); err != nil {
			panic(err)
		}
		_, _ = io.WriteString(w, body) // into memory
	}
	_ = w.Close()
	data := b.Bytes()
	switch p.Packing {
	case ".gz":
		data = Gzipped(data)
	case ".zst":
		z, err := zstd.NewWriter(nil)
		if err != nil {
			panic(err)
		}
		data = z.EncodeAll(data, nil)
	}
	return ar("debian-binary", "2.0\n", "control.tar", "", "data.tar"+p.Packing, string(data))
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
