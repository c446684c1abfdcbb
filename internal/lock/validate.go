package lock

import (
	"fmt"
	"path"
	"strings"

	"github.com/bakelite/bakelite/internal/strict"
)

// problem is a value that does not hold, by the path of its key.
type problem struct{ key, message string }

type validation struct {
	problems []problem
}

func (v *validation) must(ok bool, key, format string, args ...any) {
	if !ok {
		v.problems = append(v.problems, problem{key, fmt.Sprintf(format, args...)})
	}
}

// validate returns everything that is wrong with the values of a lock.
func validate(l *Lock) []problem {
	v := &validation{}
	v.must(l.APIVersion == APIVersion, "apiVersion", "must be %q, not %q", APIVersion, l.APIVersion)
	v.must(l.Kind == Kind, "kind", "must be %q, not %q", Kind, l.Kind)
	v.must(isLabel(l.App), "app", "must be a DNS label, not %q", l.App)
	v.must(isText(l.Bakelite), "bakelite", "must be a version")
	v.must(l.Platform == "linux/amd64" || l.Platform == "linux/arm64", "platform", "must be linux/amd64 or linux/arm64, not %q", l.Platform)
	v.must(isDigest(l.Inputs), "inputs", "must be \"sha256:\" and 64 hex digits")
	if l.Base != nil {
		v.must(isText(l.Base.Ref), "base.ref", "must be an image reference")
		v.must(isDigest(l.Base.Digest), "base.digest", "must be \"sha256:\" and 64 hex digits")
	}
	if l.Distribution != nil {
		v.must(isLabel(l.Distribution.Name), "distribution.name", "must be a distribution's name, not %q", l.Distribution.Name)
		v.must(isLabel(l.Distribution.Release), "distribution.release", "must be a release, not %q", l.Distribution.Release)
	}
	v.images(l)
	v.archives(l)
	for i, s := range l.Rollback {
		at := fmt.Sprintf("rollback[%d]", i)
		v.must(isText(s.Of), at+".of", "must name an archive or a package")
		v.must(isText(s.From) && isText(s.To), at, "must go from one date or version to another")
	}
	v.files(l)
	v.installed(l.Packages.Image)
	for _, layer := range l.Packages.all() {
		v.pins(l, layer)
	}
	return v.problems
}

func (v *validation) images(l *Lock) {
	seen := map[string]bool{}
	for i, image := range l.Images {
		at := fmt.Sprintf("images[%d]", i)
		v.must(isText(image.Ref), at+".ref", "must be an image reference")
		v.must(isDigest(image.Digest), at+".digest", "must be \"sha256:\" and 64 hex digits")
		v.must(!seen[image.Ref], at, "%q stands there twice", image.Ref)
		seen[image.Ref] = true
	}
}

func (v *validation) archives(l *Lock) {
	seen := map[string]bool{}
	for i, a := range l.Archives {
		at := fmt.Sprintf("archives[%d]", i)
		v.must(isLabel(a.Name), at+".name", "must be an archive's name, not %q", a.Name)
		v.must(isLabel(a.Suite), at+".suite", "must be a suite, not %q", a.Suite)
		v.must(isSHA256(a.InRelease), at+".inRelease", "must be 64 hex digits")
		v.must(a.Date.Year() >= 1993 && a.Date.Year() <= 9999, at+".date", "must be a date with time, not before Debian began")
		v.must(a.Date.Nanosecond() == 0, at+".date", "must be in whole seconds")
		v.must(!seen[a.Name+" "+a.Suite], at, "%s %s stands there twice", a.Name, a.Suite)
		seen[a.Name+" "+a.Suite] = true
	}
}

func (v *validation) files(l *Lock) {
	seen := map[string]bool{}
	for i, f := range l.Files {
		at := fmt.Sprintf("files[%d]", i)
		v.must(isBelow(strings.ReplaceAll(f.Path, `\`, "")), at+".path", "must be a clean path below the app file's folder, not %q", f.Path) // systemd's units have backslashes
		v.must(isSHA256(f.SHA256), at+".sha256", "must be 64 hex digits")
		v.must(!seen[f.Path], at, "%q stands there twice", f.Path)
		seen[f.Path] = true
	}
}

func (v *validation) pins(l *Lock, layer layer) {
	archives := map[string]bool{}
	for _, a := range l.Archives {
		archives[a.Name] = true
	}
	seen := map[string]bool{}
	for i, p := range *layer.pins {
		at := fmt.Sprintf("packages.%s[%d]", layer.name, i)
		v.installedAs(at, Installed{p.Name, p.Version, p.Arch, p.Source, p.SourceVersion})
		v.must(archives[p.Archive], at+".archive", "%q is not among the archives", p.Archive)
		v.must(isBelow(p.Path) && strings.HasPrefix(p.Path, "pool/"), at+".path", "must be a clean path below pool/, not %q", p.Path)
		v.must(isSHA256(p.SHA256), at+".sha256", "must be 64 hex digits")
		v.must(p.Size > 0, at+".size", "must be more than 0 bytes")
		v.must(!seen[p.Name+":"+p.Arch], at, "%s:%s stands there twice", p.Name, p.Arch)
		seen[p.Name+":"+p.Arch] = true
	}
}

func (v *validation) installed(all []Installed) {
	seen := map[string]bool{}
	for i, p := range all {
		at := fmt.Sprintf("packages.%s[%d]", imageLayer, i)
		v.installedAs(at, p)
		v.must(!seen[p.Name+":"+p.Arch], at, "%s:%s stands there twice", p.Name, p.Arch)
		seen[p.Name+":"+p.Arch] = true
	}
}

func (v *validation) installedAs(at string, p Installed) {
	v.must(isPackage(p.Name), at+".name", "must be a package's name, not %q", p.Name)
	v.must(isVersion(p.Version), at+".version", "must be a Debian version, not %q", p.Version)
	v.must(isPackage(p.Arch), at+".arch", "must be an architecture, not %q", p.Arch)
	v.must(p.Source == "" || isPackage(p.Source), at+".source", "must be a package's name, not %q", p.Source)
	v.must(p.SourceVersion == "" || isVersion(p.SourceVersion), at+".sourceVersion", "must be a Debian version, not %q", p.SourceVersion)
}

const (
	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyz"
)

func only(s, allowed string) bool { return strings.Trim(s, allowed) == "" }

// isLabel checks the form of a DNS label (RFC 1123).
func isLabel(s string) bool {
	return s != "" && len(s) <= 63 && only(s, digits+letters+"-") && s[0] != '-' && s[len(s)-1] != '-'
}

// isPackage checks the form of Debian Policy 5.6.7.
func isPackage(s string) bool {
	return len(s) >= 2 && len(s) <= 200 && only(s, digits+letters+"+-.") && !strings.ContainsAny(s[:1], "+-.")
}

// isVersion checks the characters of Debian Policy 5.6.12.
func isVersion(s string) bool {
	_, rest, epoch := strings.Cut(s, ":")
	if !epoch {
		rest = s
	}
	return rest != "" && len(s) <= 200 && strings.ContainsAny(rest[:1], digits+letters+strings.ToUpper(letters)) &&
		only(s, digits+letters+strings.ToUpper(letters)+".+~:-")
}

func isText(s string) bool {
	return s != "" && len(s) <= 1024 && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) < 0
}

func isSHA256(s string) bool { return len(s) == 64 && only(s, digits+"abcdef") }

func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && isSHA256(hex)
}

func isBelow(p string) bool {
	inside := p != "" && p != "." && p[0] != '/' && p != ".." && !strings.HasPrefix(p, "../")
	return inside && path.Clean(p) == p && !strings.ContainsAny(p, "\x00\n\\")
}

// located gives each problem the place of its key, or of the nearest one
// above it.
func located(file string, places strict.Places, problems []problem) strict.Problems {
	var out strict.Problems
	for _, p := range problems {
		place, key := strict.Place{}, p.key
		for ok := false; !ok && key != ""; key = key[:max(0, strings.LastIndexAny(key, ".["))] {
			place, ok = places[key]
		}
		out = append(out, strict.Problem{File: file, Line: place.Line, Column: place.Column, Key: p.key, Message: p.message})
	}
	return out
}
