package status

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/distro/debian/control"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

// MaxSize bounds dpkg's status file, in bytes; that of a full desktop has 5
// MiB.
const MaxSize = 64 << 20

// maxKnown bounds the packages that a status file names; trixie has 68,829.
const maxKnown = 1 << 20

// Parse returns what a dpkg status file says is installed, whole or in
// part, in its order. It takes a foreign file: what is no such file is a
// fault.Integrity.
func Parse(r io.Reader) ([]lock.Installed, error) {
	reader := control.NewReader(r)
	var all []lock.Installed
	seen := map[string]bool{}
	for {
		stanza, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		var p lock.Installed
		var there bool
		if err == nil {
			p, there, err = installedOf(stanza)
		}
		if err == nil && seen[p.Name+":"+p.Arch] {
			err = fmt.Errorf("package %s:%s stands there twice", p.Name, p.Arch)
		}
		if err != nil {
			return nil, fault.New(fault.Integrity, "reading the package database: %w", err)
		}
		if there {
			seen[p.Name+":"+p.Arch] = true
			all = append(all, p)
		}
		if len(all) > maxKnown {
			return nil, fault.New(fault.Integrity, "the package database holds more than %d packages", maxKnown)
		}
	}
}

// installedOf reads one package; there is false where it was removed, or is
// about to be (dpkg(1), "Package selection states").
func installedOf(s control.Stanza) (p lock.Installed, there bool, err error) {
	var status, source string
	err = s.Fields(func(name, value []byte) {
		switch string(name) {
		case "Package":
			p.Name = string(value)
		case "Version":
			p.Version = string(value)
		case "Architecture":
			p.Arch = string(value)
		case "Status":
			status = string(value)
		case "Source":
			source = string(value)
		}
	})
	if err != nil {
		return p, false, err
	}
	words := strings.Fields(status)
	if slices.Contains(words, "deinstall") || slices.Contains(words, "purge") || p.Version == "" {
		return p, false, nil
	}
	p.Source, p.SourceVersion = control.SourceOf(source, p.Name, p.Version)
	return p, true, control.CheckPackage(p.Name, p.Version, p.Arch, p.Source, p.SourceVersion)
}
