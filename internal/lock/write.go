package lock

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
)

// header tells a person who opens the file what it is.
const header = "# Made by Bakelite from the app file; keep it in version control, change it with: bakelite lock\n"

// Marshal returns the lock as YAML, with one line per package and file, both
// sorted. A lock that Read would refuse is a fault.Internal.
func (l *Lock) Marshal() ([]byte, error) {
	if problems := validate(l); len(problems) > 0 {
		return nil, fault.New(fault.Internal, "writing the lock: %s: %s", problems[0].key, problems[0].message)
	}
	return l.encode(), nil
}

// Write writes the lock atomically: the old file stays until the new one is
// whole. A folder that cannot be written is a fault.Invalid.
func Write(path string, l *Lock) error {
	data, err := l.Marshal()
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(path, data, 0o644); err != nil {
		return fault.Hint(fault.New(fault.Invalid, "writing the lock: %w", err), "The lock stands beside the app file; make that folder writable.")
	}
	return nil
}

// Digest returns "sha256:" and the hex SHA-256 of what Marshal returns.
func (l *Lock) Digest() string {
	return digests.Of(l.encode())
}

// Epoch returns the newest date of the archives, in UTC and whole seconds: the
// SOURCE_DATE_EPOCH of everything made from the lock. It is the Unix epoch
// where the lock names no archive.
func (l *Lock) Epoch() time.Time {
	epoch := time.Unix(0, 0).UTC()
	for _, a := range l.Archives {
		if d := a.Date.UTC().Truncate(time.Second); d.After(epoch) {
			epoch = d
		}
	}
	return epoch
}

func (l *Lock) encode() []byte {
	var b bytes.Buffer
	b.WriteString(header)
	for _, kv := range [][2]string{
		{"apiVersion", l.APIVersion}, {"kind", l.Kind}, {"app", l.App}, {"bakelite", l.Bakelite},
		{"platform", l.Platform}, {"inputs", l.Inputs},
	} {
		fmt.Fprintf(&b, "%s: %s\n", kv[0], quoted(kv[1]))
	}
	if l.Base != nil {
		fmt.Fprintf(&b, "base: {ref: %s, digest: %s}\n", quoted(l.Base.Ref), quoted(l.Base.Digest))
	}
	if len(l.Images) > 0 {
		b.WriteString("images:\n")
		for _, i := range slices.SortedStableFunc(slices.Values(l.Images), compareImages) {
			fmt.Fprintf(&b, "  - {ref: %s, digest: %s}\n", quoted(i.Ref), quoted(i.Digest))
		}
	}
	if d := l.Distribution; d != nil {
		fmt.Fprintf(&b, "distribution: {name: %s, release: %q}\n", quoted(d.Name), d.Release)
	}
	l.encodeArchives(&b)
	if len(l.Rollback) > 0 {
		b.WriteString("rollback:\n")
		for _, s := range l.Rollback {
			fmt.Fprintf(&b, "  - {of: %s, from: %q, to: %q}\n", quoted(s.Of), s.From, s.To)
		}
	}
	if len(l.Files) > 0 {
		b.WriteString("files:\n")
		for _, f := range slices.SortedStableFunc(slices.Values(l.Files), compareFiles) {
			executable := ""
			if f.Executable {
				executable = ", executable: true"
			}
			fmt.Fprintf(&b, "  - {path: %s, sha256: %q%s}\n", quoted(f.Path), f.SHA256, executable)
		}
	}
	b.WriteString("packages:\n")
	l.encodeImage(&b)
	for _, layer := range l.Packages.all() {
		encodeLayer(&b, layer)
	}
	return b.Bytes()
}

func (l *Lock) encodeArchives(b *bytes.Buffer) {
	if len(l.Archives) == 0 {
		b.WriteString("archives: []\n")
		return
	}
	b.WriteString("archives:\n")
	for _, a := range l.Archives {
		fmt.Fprintf(b, "  - {name: %s, suite: %s, inRelease: %q, date: %q}\n",
			quoted(a.Name), quoted(a.Suite), a.InRelease, a.Date.UTC().Format(time.RFC3339))
	}
}

func (l *Lock) encodeImage(b *bytes.Buffer) {
	if len(l.Packages.Image) == 0 {
		return
	}
	fmt.Fprintf(b, "  %s:\n", imageLayer)
	for _, p := range slices.SortedStableFunc(slices.Values(l.Packages.Image), compareInstalled) {
		fmt.Fprintf(b, "    - {name: %s, version: %q, arch: %s%s}\n", quoted(p.Name), p.Version, quoted(p.Arch), source(p.Source, p.SourceVersion))
	}
}

// source writes the keys of a source package, where it has any.
func source(name, version string) (text string) {
	if name != "" {
		text = ", source: " + quoted(name)
	}
	if version != "" {
		text += fmt.Sprintf(", sourceVersion: %q", version)
	}
	return text
}

func encodeLayer(b *bytes.Buffer, layer layer) {
	switch pins := *layer.pins; {
	case len(pins) > 0:
		fmt.Fprintf(b, "  %s:\n", layer.name)
		for _, p := range slices.SortedStableFunc(slices.Values(pins), comparePins) {
			fmt.Fprintf(b, "    - {name: %s, version: %q, arch: %s, archive: %s, path: %s, sha256: %q, size: %d%s}\n",
				quoted(p.Name), p.Version, quoted(p.Arch), quoted(p.Archive), quoted(p.Path), p.SHA256, p.Size, source(p.Source, p.SourceVersion))
		}
	case layer.name == "seed":
		b.WriteString("  seed: []\n")
	}
}

func compareImages(a, b Image) int { return strings.Compare(a.Ref, b.Ref) }

func compareFiles(a, b File) int { return strings.Compare(a.Path, b.Path) }

func compareInstalled(a, b Installed) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch))
}

func comparePins(a, b Pin) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch), strings.Compare(a.Version, b.Version))
}

// quoted leaves only such text without quotes as every YAML parser reads as
// itself; Go's escapes are YAML's.
func quoted(s string) string {
	bare := s != "" && letter(s[0]) && !reserved(s)
	for i := 0; bare && i < len(s); i++ {
		bare = isPlainByte(s[i])
	}
	if bare {
		return s
	}
	return strconv.Quote(s)
}

// isPlainByte says whether a byte means nothing in YAML but itself.
func isPlainByte(b byte) bool {
	return letter(b) || b >= '0' && b <= '9' || strings.IndexByte("-_./+", b) >= 0
}

func letter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// reserved says whether some YAML parser reads the word as no text.
func reserved(s string) bool {
	const longest = len("false")
	if len(s) > longest {
		return false
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf":
		return true
	}
	return false
}
