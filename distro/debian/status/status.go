// Package status reads dpkg's status file, which a base image may have made up:
// what is installed, and the file written anew for apt.
package status

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/bakelite/bakelite/distro/debian/control"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

const (
	// maxInstalled bounds the packages of a base image; Debian has 70,000.
	maxInstalled = 20_000
	// maxRelations bounds the entries of one relationship field; the longest
	// in trixie has some 500.
	maxRelations = 5_000
)

var (
	// aVersion is Debian Policy, section 5.6.12.
	aVersion = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+:~-]{0,254}$`)
	// aWord is the form of all other values that count.
	aWord = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z+._-]{0,62}$`)
)

// A status field that apt's resolver reads, and how its value is judged.
type statusField struct {
	name string
	form func(value string) (string, error)
}

func statusFields() []statusField {
	return []statusField{
		{"Architecture", word}, {"Multi-Arch", word}, {"Essential", word}, {"Protected", word}, {"Important", word}, {"Priority", word},
		{"Version", versionText},
		{"Pre-Depends", relations}, {"Depends", relations}, {"Provides", relations},
		{"Conflicts", relations}, {"Breaks", relations}, {"Replaces", relations},
	}
}

// Rewrite writes the packages of a status file that are not among newer. Apt
// runs on this machine and the file is whatever a base image holds, so what apt
// reads is written anew from what was understood; anything else is a
// fault.Invalid.
func Rewrite(out *bytes.Buffer, status []byte, newer []lock.Pin) error {
	leave := map[string]bool{}
	for _, pin := range newer {
		leave[pin.Name] = true
	}
	if err := restate(out, bytes.NewReader(status), leave); err != nil {
		return fault.Hint(fault.New(fault.Invalid, "reading the base image's package database: %w", err),
			"the base's /var/lib/dpkg/status must be as dpkg leaves it: all packages installed in full")
	}
	return nil
}

func restate(out *bytes.Buffer, status io.Reader, leave map[string]bool) error {
	seen := map[string]bool{}
	for in := control.NewReader(status); ; {
		stanza, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		fields, err := stanza.Map()
		if err != nil {
			return err
		}
		name := fields["package"]
		if !control.ValidName(name) {
			return fmt.Errorf("%.60q is not a package's name", name)
		}
		there, err := installed(fields["status"])
		if err == nil && there && !leave[name] {
			err = restateOne(out, name, fields)
		}
		if key := name + ":" + fields["architecture"]; err == nil && seen[key] {
			err = errors.New("it stands there twice")
		} else if seen[key] = true; len(seen) > maxInstalled {
			return fmt.Errorf("it holds more than %d packages", maxInstalled)
		}
		if err != nil {
			return fmt.Errorf("package %s: %w", name, err)
		}
	}
}

// installed reads a package's state (dpkg(1)). One that is there in part is an
// error: nobody can say what apt makes of it.
func installed(status string) (bool, error) {
	words := strings.Fields(status)
	if len(words) != 3 || words[1] != "ok" {
		return false, fmt.Errorf("its status is %.60q", status)
	}
	switch words[2] {
	case "installed", "triggers-awaited", "triggers-pending":
		return true, nil
	case "not-installed", "config-files":
		return false, nil
	}
	return false, fmt.Errorf("it is %.60s, not installed", words[2])
}

func restateOne(out *bytes.Buffer, name string, fields map[string]string) error {
	fmt.Fprintf(out, "Package: %s\nStatus: install ok installed\n", name)
	for _, f := range statusFields() {
		value := fields[strings.ToLower(f.name)]
		if value == "" && (f.name == "Version" || f.name == "Architecture") {
			return fmt.Errorf("it has no %s", f.name)
		}
		if value == "" {
			continue
		}
		text, err := f.form(value)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if text != "" { // a list of nothing
			fmt.Fprintf(out, "%s: %s\n", f.name, text)
		}
	}
	out.WriteByte('\n')
	return nil
}

func word(value string) (string, error) {
	if !aWord.MatchString(value) {
		return "", fmt.Errorf("%.60q is not a word", value)
	}
	return value, nil
}

func versionText(value string) (string, error) {
	if !aVersion.MatchString(value) {
		return "", fmt.Errorf("%.60q is not a version", value)
	}
	return value, nil
}

// relations writes a relationship field anew.
func relations(value string) (string, error) {
	groups, err := control.ParseRelations(value)
	if err != nil {
		return "", err
	}
	var texts []string
	count := 0
	for _, group := range groups {
		var alternatives []string
		for _, r := range group {
			if r.Arch != "" && !aWord.MatchString(r.Arch) || r.Op != "" && !aVersion.MatchString(r.Version) {
				return "", fmt.Errorf("%.60q is not a relation", r.Name+":"+r.Arch+" "+r.Version)
			}
			alternatives = append(alternatives, relationText(r))
		}
		if count += len(group); count > maxRelations {
			return "", fmt.Errorf("it has more than %d entries", maxRelations)
		}
		texts = append(texts, strings.Join(alternatives, " | "))
	}
	return strings.Join(texts, ", "), nil
}

func relationText(r control.Relation) string {
	text := r.Name
	if r.Arch != "" {
		text += ":" + r.Arch
	}
	if r.Op != "" {
		text += " (" + r.Op + " " + r.Version + ")"
	}
	return text
}
