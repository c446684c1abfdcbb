package archive

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/bakelite/bakelite/internal/archive/control"
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

// planLine matches: Inst name [old version] (version origins [arch]) …
func planLine() *regexp.Regexp {
	return regexp.MustCompile(`^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) .*?\[([a-z0-9-]+)\]\)`)
}

// parsePlan maps the lines of a simulation to pins.
func (s *Snapshot) parsePlan(out []byte) ([]lock.Pin, error) {
	var pins []lock.Pin
	inst := planLine()
	for line := range bytes.Lines(out) {
		if bytes.HasPrefix(line, []byte("Remv ")) {
			return nil, fault.New(fault.Invalid, "installing the packages would remove an installed one: %s", bytes.TrimSpace(line))
		}
		if !bytes.HasPrefix(line, []byte("Inst ")) {
			continue
		}
		m := inst.FindSubmatch(line)
		if m == nil {
			return nil, fault.New(fault.Internal, "reading apt's plan: %q is not understood", bytes.TrimSpace(line))
		}
		name, _, _ := strings.Cut(string(m[1]), ":")
		p := s.Find(name, string(m[2]), string(m[3]))
		if p == nil {
			return nil, fault.New(fault.Internal, "reading apt's plan: %s %s %s is not in the index", name, m[2], m[3])
		}
		pins = append(pins, p.Pin)
	}
	sortPins(pins)
	return pins, nil
}

// writeStatus writes dpkg's status file of a system on which the pins are
// installed.
func (s *Snapshot) writeStatus(path string, installed []lock.Pin) error {
	var out bytes.Buffer
	files := make([]*os.File, len(s.files))
	for i, f := range s.files {
		file, err := os.Open(f.packagesPath)
		if err != nil {
			return fault.New(fault.Internal, "reading the cached index: %w", err)
		}
		defer file.Close()
		files[i] = file
	}
	for _, pin := range installed {
		p := s.Find(pin.Name, pin.Version, pin.Arch)
		if p == nil || p.SHA256 != pin.SHA256 {
			return fault.Hint(fault.New(fault.Invalid, "the installed package %s %s is not in the archive's index", pin.Name, pin.Version),
				"Make the lock again: the archive has moved on.")
		}
		raw, err := readStanza(files[p.file], p)
		if err != nil {
			return err
		}
		if err := statusStanza(&out, raw, p.offset); err != nil {
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
