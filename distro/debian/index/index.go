// Package index reads the signed index of an archive: it verifies the signature
// by a keyring, judges suite, date and expiry, and finds packages by name and by
// what they provide. All that it reads is bounded and checked; it gets nothing.
package index

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/bakelite/bakelite/distro/debian/content"
	"github.com/bakelite/bakelite/distro/debian/control"
	"github.com/bakelite/bakelite/internal/lock"
)

const (
	// maxIndexed bounds the packages of one index; trixie's main has 68,829.
	maxIndexed = 1 << 20
	// MaxDeb bounds one package file, in bytes.
	MaxDeb = 4 << 30
)

// Package is one package of an index: its pin and what decides about it.
type Package struct {
	lock.Pin
	Essential bool
	Priority  string
	// Depends and the like are relationship fields as written.
	Depends, PreDepends, Conflicts, Breaks, Provides string

	// File numbers the Packages file among those of a snapshot, and Offset and
	// Length say where in it the stanza stands, in bytes.
	File   int
	Offset int64
	Length int
}

// Parse reads a Packages file of the archive and calls add for each package,
// until one is malformed; the strings of a Package do not share memory with the
// file.
func Parse(r io.Reader, archive string, add func(Package)) error {
	reader := control.NewReader(r)
	interned := map[string]string{}
	for n := 0; ; n++ {
		stanza, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n == maxIndexed {
			return fmt.Errorf("the index holds more than %d packages", maxIndexed)
		}
		p := Package{Offset: stanza.Offset, Length: len(stanza.Raw)}
		p.Archive = archive
		if err := p.fill(stanza, interned); err != nil {
			return fmt.Errorf("stanza at byte %d: %w", stanza.Offset, err)
		}
		add(p)
	}
}

func (p *Package) fill(s control.Stanza, interned map[string]string) error {
	intern := func(b []byte) string {
		if known, ok := interned[string(b)]; ok {
			return known
		}
		interned[string(b)] = string(b)
		return interned[string(b)]
	}
	var size string
	err := s.Fields(func(name, value []byte) {
		switch string(name) {
		case "Architecture":
			p.Arch = intern(value)
		case "Priority":
			p.Priority = intern(value)
		case "Size":
			size = string(value)
		case "Essential":
			p.Essential = string(value) == "yes"
		default:
			if text := p.text(name); text != nil {
				*text = string(value)
			}
		}
	})
	if err != nil {
		return err
	}
	p.Size, _ = strconv.ParseInt(size, 10, 64)
	p.Source, p.SourceVersion = control.SourceOf(p.Source, p.Name, p.Version)
	return p.validate()
}

// text is where a field's value is kept as it is, nil for all others.
func (p *Package) text(field []byte) *string {
	switch string(field) {
	case "Package":
		return &p.Name
	case "Version":
		return &p.Version
	case "Filename":
		return &p.Path
	case "SHA256":
		return &p.SHA256
	case "Source":
		return &p.Source
	case "Depends":
		return &p.Depends
	case "Pre-Depends":
		return &p.PreDepends
	case "Conflicts":
		return &p.Conflicts
	case "Breaks":
		return &p.Breaks
	case "Provides":
		return &p.Provides
	}
	return nil
}

func (p *Package) validate() error {
	if err := control.CheckPackage(p.Name, p.Version, p.Arch, p.Source, p.SourceVersion); err != nil {
		return err
	}
	switch {
	case !content.ValidSHA256(p.SHA256) || p.Size <= 0 || p.Size > MaxDeb:
		return fmt.Errorf("package %s has no valid size and SHA-256", p.Name)
	case !ValidPath(p.Path):
		return fmt.Errorf("package %s: path %.100q leaves the archive", p.Name, p.Path)
	}
	return nil
}

// ValidPath says whether p is a clean path below an archive's root.
func ValidPath(p string) bool {
	return p != "" && path.Clean(p) == p && p[0] != '/' && p != ".." && !strings.HasPrefix(p, "../") && !strings.ContainsAny(p, "?#\\\n")
}

// Index finds packages.
type Index struct {
	// ByName has the versions of each name, newest first.
	ByName map[string][]*Package
	// Providers has the packages that provide each name, as they were read.
	Providers map[string][]*Package
}

// New returns the index of packages; of two with the same name and version the
// one read first stays first. A Provides that cannot be read is an error.
func New(packages []Package) (*Index, error) {
	x := &Index{ByName: make(map[string][]*Package, len(packages)), Providers: map[string][]*Package{}}
	for i := range packages {
		p := &packages[i]
		x.ByName[p.Name] = append(x.ByName[p.Name], p)
	}
	for _, versions := range x.ByName {
		if len(versions) > 1 {
			slices.SortStableFunc(versions, func(a, b *Package) int { return control.Compare(b.Version, a.Version) })
		}
	}
	for i := range packages {
		p := &packages[i]
		if p.Provides == "" {
			continue
		}
		provided, err := control.ParseRelations(p.Provides)
		if err != nil {
			return nil, fmt.Errorf("package %s: reading Provides: %w", p.Name, err)
		}
		for _, group := range provided {
			if len(group) != 1 {
				return nil, errors.New("package " + p.Name + " provides alternatives")
			}
			x.Providers[group[0].Name] = append(x.Providers[group[0].Name], p)
		}
	}
	return x, nil
}
