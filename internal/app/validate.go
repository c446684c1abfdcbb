package app

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/strict"
)

var (
	// dnsLabel is RFC 1123, section 2.1, in lower case.
	dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	// packageName is Debian Policy, section 5.6.1.
	packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)
	// annotationKey is the form of keys in the OCI image specification, with
	// the characters that occur in practice.
	annotationKey = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)
)

const (
	maxLabel = 63 // RFC 1035, section 2.3.4
	// maxItems bounds each list of an app file; the file's own size does so
	// for loaded apps, this does it for apps made by programs.
	maxItems = 1000
)

// Suites returns the Debian suites that a base can be bootstrapped from.
func Suites() []string { return []string{"trixie"} }

// tooOld are suites with a systemd older than 256, which a disk needs to be
// told what to test (docs/decisions/0006-tests-by-smbios-credential.md).
func tooOld() []string { return []string{"oldstable", "bookworm", "bullseye", "buster"} }

// ContainerFormats returns the forms of a container image on disk.
func ContainerFormats() []string { return []string{defaultFormat, "archive"} }

// Validate returns every problem of a that can be seen without its files, in
// the order of the app file and without places. It changes nothing; keys that
// were left out are judged by their defaults.
func Validate(a App) Problems {
	c := &checker{}
	a = WithDefaults(a)
	c.identity(a)
	c.base(a.Base)
	c.packages("packages", a.Packages)
	c.files(a.Files)
	c.steps(a.Steps)
	c.rights(a.Rights)
	c.alters(a.Alters)
	c.service(a.Service)
	c.given(a)
	c.container(a.Container)
	c.vm(a.VM, a.Service.User)
	c.hardening(a.Hardening)
	c.tests(a.Tests, a.Service.Ports)
	c.update(a.Update)
	return c.problems
}

// checker collects problems; its methods each judge one part of an App.
type checker struct{ problems Problems }

func (c *checker) add(key, format string, args ...any) {
	c.problems = append(c.problems, Problem{Key: key, Message: fmt.Sprintf(format, args...)})
}

// oneOf judges a word that must be among known.
func (c *checker) oneOf(key, word string, known []string) {
	if slices.Contains(known, word) {
		return
	}
	c.problems = append(c.problems, Problem{
		Key: key, Message: fmt.Sprintf("%q is not known here; use one of %s", word, strings.Join(known, ", ")),
		Suggestion: strict.Nearest(word, known),
	})
}

// once reports a value that stands in a list a second time.
func once[T comparable](c *checker, key string, values []T) {
	if len(values) > maxItems {
		c.add(key, "has %d entries; at most %d are allowed", len(values), maxItems)
		return
	}
	for i, v := range values {
		if first := slices.Index(values, v); first < i {
			c.add(item(key, i), "stands here twice, first as entry %d", first+1)
		}
	}
}

func item(key string, i int) string { return fmt.Sprintf("%s[%d]", key, i) }

func (c *checker) identity(a App) {
	switch {
	case a.APIVersion == "":
		c.add("apiVersion", "is missing; this Bakelite reads %s", APIVersion)
	case a.APIVersion != APIVersion:
		c.add("apiVersion", "%q is another version of the format; this Bakelite reads %s: change the key, or use the Bakelite that the file was written for", a.APIVersion, APIVersion)
	}
	c.label("name", a.Name)
}

func (c *checker) label(key, name string) {
	switch {
	case name == "":
		c.add(key, "is empty; it names the images and the service")
	case len(name) > maxLabel:
		c.add(key, "has %d characters; a DNS label has at most %d", len(name), maxLabel)
	case !dnsLabel.MatchString(name):
		c.add(key, "%q is not a DNS label: lower-case letters, digits and inner hyphens", name)
	}
	for _, form := range []string{"-disk", "-containerdisk"} {
		if of := strings.TrimSuffix(name, form); of != name {
			c.add(key, "%q is where the disk of an app %q is published: end it otherwise", name, of)
		}
	}
}

func (c *checker) packages(key string, names []string) {
	once(c, key, names)
	for i, name := range names {
		switch {
		case strings.ContainsAny(name, "=/:"):
			c.add(item(key, i), "%q: give the name alone; the lock pins the version and the architecture", name)
		case !packageName.MatchString(name):
			c.add(item(key, i), "%q is not a package name: at least two of lower-case letters, digits and + - .", name)
		}
	}
}

func (c *checker) steps(steps []Step) {
	for i, s := range steps {
		if strings.TrimSpace(s.Run) == "" {
			c.add(item("steps", i)+".run", "is empty; give a shell script")
		}
		if strings.ContainsRune(s.Run, 0) {
			c.add(item("steps", i)+".run", "holds a NUL character")
		}
	}
}

func (c *checker) container(ct Container) {
	c.oneOf("container.format", ct.Format, ContainerFormats())
	for _, key := range sortedKeys(ct.Labels) {
		switch path := "container.labels." + key; {
		case !annotationKey.MatchString(key):
			c.add(path, "is not an annotation's key: letters, digits, and . _ / -")
		case key == "org.opencontainers.image.created", strings.HasPrefix(key, "org.opencontainers.image.base."), strings.HasPrefix(key, "dev.bakelite."):
			c.add(path, "Bakelite sets this annotation itself")
		}
	}
}
