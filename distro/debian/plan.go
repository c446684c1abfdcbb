package debian

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/bakelite/bakelite/distro/debian/control"
	"github.com/bakelite/bakelite/distro/debian/index"
	"github.com/bakelite/bakelite/distro/debian/status"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

// maxReasons bounds apt's reasons in an error, in lines.
const maxReasons = 12

// refusal turns apt's words into an error: the indented reasons, then the
// errors.
func refusal(stdout, stderr []byte) error {
	var reasons []string
	for line := range strings.Lines(string(stdout) + string(stderr)) {
		line = strings.TrimRight(line, "\n")
		text := strings.TrimSpace(line)
		text, isError := strings.CutPrefix(text, "E: ")
		preamble := strings.HasPrefix(text, "The following information from --solver")
		if text != "" && !preamble && (isError || line[0] == ' ') {
			reasons = append(reasons, text)
		}
	}
	if len(reasons) > maxReasons {
		reasons = append(reasons[:maxReasons], "…")
	}
	return fault.Hint(fault.New(fault.Invalid, "the packages cannot be installed together: %s", strings.Join(reasons, "; ")),
		"Remove one of the packages that exclude each other, or choose the suite that has them.")
}

// removals is the line above the packages that apt would remove.
const removals = "The following packages will be REMOVED:\n"

// parsePlan maps what apt would download to pins: lines of the form
// 'address' name_version_arch.deb size hash.
func (s *Snapshot) parsePlan(out []byte) ([]lock.Pin, error) {
	if _, list, found := bytes.Cut(out, []byte(removals)); found {
		line, _, _ := bytes.Cut(list, []byte("\n"))
		return nil, fault.Hint(fault.New(fault.Invalid, "the packages cannot be installed together: apt would remove %s", bytes.TrimSpace(line)),
			"Remove one of the packages that exclude each other.")
	}
	var pins []lock.Pin
	for line := range bytes.Lines(out) {
		if line[0] != '\'' {
			continue
		}
		p := s.planned(string(line))
		if p == nil {
			return nil, fault.New(fault.Internal, "reading apt's plan: %q is not in the index", bytes.TrimSpace(line))
		}
		pins = append(pins, p.Pin)
	}
	sortPins(pins)
	return pins, nil
}

// planned returns the package of one line, or nil where the index has no
// package with that name, version, architecture and path.
func (s *Snapshot) planned(line string) *index.Package {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return nil
	}
	address, err1 := url.PathUnescape(strings.Trim(fields[0], "'"))
	parts := strings.Split(strings.TrimSuffix(fields[1], ".deb"), "_")
	if err1 != nil || len(parts) != 3 {
		return nil
	}
	version, err := url.PathUnescape(parts[1])
	if err != nil {
		return nil
	}
	for _, p := range s.index.ByName[parts[0]] {
		if p.Version == version && p.Arch == parts[2] && address == "http://"+aptHost+"/"+p.Archive+"/"+p.Path {
			return p
		}
	}
	return nil
}

// writeStatus writes dpkg's status file of a system on which the pins are
// installed.
func (s *Snapshot) writeStatus(path string, installed Installed) error {
	var out bytes.Buffer
	if err := status.Rewrite(&out, installed.Status, installed.Pins); err != nil {
		return err
	}
	files := make([]*os.File, len(s.files))
	for i, f := range s.files {
		file, err := os.Open(f.packagesPath)
		if err != nil {
			return fault.New(fault.Internal, "reading the cached index: %w", err)
		}
		defer file.Close()
		files[i] = file
	}
	for _, pin := range installed.Pins {
		p := s.Find(pin.Name, pin.Version, pin.Arch)
		if p == nil || p.SHA256 != pin.SHA256 {
			return fault.Hint(fault.New(fault.Invalid, "the installed package %s %s is not in the archive's index", pin.Name, pin.Version),
				"Make the lock again: the archive has moved on.")
		}
		raw, err := readStanza(files[p.File], p)
		if err != nil {
			return err
		}
		if err := statusStanza(&out, raw, p.Offset); err != nil {
			return fault.New(fault.Integrity, "reading the index: %w", err)
		}
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		return fault.New(fault.Internal, "writing the status: %w", err)
	}
	return nil
}

// statusStanza writes an index's stanza as dpkg's status has it.
func statusStanza(out *bytes.Buffer, raw []byte, offset int64) error {
	err := control.Stanza{Raw: raw, Offset: offset}.Fields(func(name, value []byte) {
		switch string(name) {
		case "Filename", "Size", "MD5sum", "SHA256", "Description-md5", "Tag":
			return
		}
		fmt.Fprintf(out, "%s: %s\n", name, value)
		if string(name) == "Package" {
			out.WriteString("Status: install ok installed\n")
		}
	})
	out.WriteByte('\n')
	return err
}
