package lock

import (
	"cmp"
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
	b := append(make([]byte, 0, l.roughly()), header...)
	for _, kv := range [][2]string{
		{"apiVersion: ", l.APIVersion}, {"kind: ", l.Kind}, {"app: ", l.App}, {"bakelite: ", l.Bakelite},
		{"platform: ", l.Platform}, {"inputs: ", l.Inputs},
	} {
		b = append(plain(b, kv[0], kv[1]), '\n')
	}
	if l.Base != nil {
		b = encodeImage(b, "base: {ref: ", *l.Base)
	}
	if len(l.Images) > 0 {
		b = append(b, "images:\n"...)
		for _, i := range sorted(l.Images, compareImages) {
			b = encodeImage(b, "  - {ref: ", i)
		}
	}
	if d := l.Distribution; d != nil {
		b = quoted(plain(b, "distribution: {name: ", d.Name), ", release: ", d.Release)
		b = append(b, "}\n"...)
	}
	b = encodeArchives(b, l.Archives)
	b = encodeSteps(b, l.Rollback)
	b = encodeFiles(b, l.Files)
	b = encodeInstalled(append(b, "packages:\n"...), l.Packages.Image)
	for _, layer := range l.Packages.all() {
		b = encodeLayer(b, layer)
	}
	return b
}

// roughly is how many bytes a lock has when it is written, for the room to
// write it in.
func (l *Lock) roughly() int {
	const head, line = 4 << 10, 300
	lines := len(l.Files) + len(l.Packages.Image)
	for _, layer := range l.Packages.all() {
		lines += len(*layer.pins)
	}
	return head + lines*line
}

// sorted is a list in order: itself where it is so already.
func sorted[T any](list []T, compare func(a, b T) int) []T {
	if slices.IsSortedFunc(list, compare) {
		return list
	}
	return slices.SortedStableFunc(slices.Values(list), compare)
}

func encodeImage(b []byte, before string, i Image) []byte {
	return append(plain(plain(b, before, i.Ref), ", digest: ", i.Digest), "}\n"...)
}

func encodeArchives(b []byte, archives []Archive) []byte {
	if len(archives) == 0 {
		return append(b, "archives: []\n"...)
	}
	b = append(b, "archives:\n"...)
	for _, a := range archives {
		b = plain(plain(b, "  - {name: ", a.Name), ", suite: ", a.Suite)
		b = quoted(quoted(b, ", inRelease: ", a.InRelease), ", date: ", a.Date.UTC().Format(time.RFC3339))
		b = append(b, "}\n"...)
	}
	return b
}

func encodeSteps(b []byte, steps []Step) []byte {
	if len(steps) == 0 {
		return b
	}
	b = append(b, "rollback:\n"...)
	for _, s := range steps {
		b = quoted(quoted(plain(b, "  - {of: ", s.Of), ", from: ", s.From), ", to: ", s.To)
		b = append(b, "}\n"...)
	}
	return b
}

func encodeFiles(b []byte, files []File) []byte {
	if len(files) == 0 {
		return b
	}
	b = append(b, "files:\n"...)
	for _, f := range sorted(files, compareFiles) {
		b = quoted(plain(b, "  - {path: ", f.Path), ", sha256: ", f.SHA256)
		if f.Executable {
			b = append(b, ", executable: true"...)
		}
		b = append(b, "}\n"...)
	}
	return b
}

func encodeInstalled(b []byte, packages []Installed) []byte {
	if len(packages) == 0 {
		return b
	}
	b = append(b, "  "+imageLayer+":\n"...)
	for _, p := range sorted(packages, compareInstalled) {
		b = plain(quoted(plain(b, "    - {name: ", p.Name), ", version: ", p.Version), ", arch: ", p.Arch)
		b = append(encodeSource(b, p.Source, p.SourceVersion), "}\n"...)
	}
	return b
}

// encodeSource writes the keys of a source package, where it has any.
func encodeSource(b []byte, name, version string) []byte {
	if name != "" {
		b = plain(b, ", source: ", name)
	}
	if version != "" {
		b = quoted(b, ", sourceVersion: ", version)
	}
	return b
}

func encodeLayer(b []byte, layer layer) []byte {
	pins := *layer.pins
	switch {
	case len(pins) == 0 && layer.name == "seed":
		return append(b, "  seed: []\n"...)
	case len(pins) == 0:
		return b
	}
	b = append(append(append(b, "  "...), layer.name...), ":\n"...)
	for _, p := range sorted(pins, comparePins) {
		b = plain(quoted(plain(b, "    - {name: ", p.Name), ", version: ", p.Version), ", arch: ", p.Arch)
		b = quoted(plain(plain(b, ", archive: ", p.Archive), ", path: ", p.Path), ", sha256: ", p.SHA256)
		b = strconv.AppendInt(append(b, ", size: "...), p.Size, 10)
		b = append(encodeSource(b, p.Source, p.SourceVersion), "}\n"...)
	}
	return b
}

func compareImages(a, b Image) int { return strings.Compare(a.Ref, b.Ref) }

func compareFiles(a, b File) int { return strings.Compare(a.Path, b.Path) }

func compareInstalled(a, b Installed) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch))
}

func comparePins(a, b Pin) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch), strings.Compare(a.Version, b.Version))
}

// plain writes a value after before, in quotes unless every YAML parser reads
// its text as itself.
func plain(b []byte, before, s string) []byte {
	bare := s != "" && letter(s[0]) && !reserved(s)
	for i := 0; bare && i < len(s); i++ {
		bare = isPlainByte(s[i])
	}
	if bare {
		return append(append(b, before...), s...)
	}
	return quoted(b, before, s)
}

// quoted writes a value in quotes after before; Go's escapes are YAML's.
func quoted(b []byte, before, s string) []byte {
	b = append(b, before...)
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' {
			return strconv.AppendQuote(b, s)
		}
	}
	return append(append(append(b, '"'), s...), '"')
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
