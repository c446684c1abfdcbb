package settings

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bakelite/bakelite/builders/stepnet"
	"github.com/bakelite/bakelite/internal/strict"
	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/internal/update"
)

// archiveName is the form of an archive's name; viper reads a dot as a level.
var archiveName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// secret is the form of an OIDC token, whose first part is JSON in base64. Who
// gives one in place of a path must not see it again in errors and logs.
var secret = regexp.MustCompile(`(?:^|[/\s])eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\s*$`)

// maxJobs is far above what one machine can run at once.
const maxJobs = 4096

func list(words []string) string { return strings.Join(words, ", ") }

// check judges a value that was given as text.
func (e Entry) check(text string) error {
	switch e.Kind {
	case Span:
		return new(units.Wait).UnmarshalText([]byte(text))
	case Path:
		if secret.MatchString(text) {
			return errors.New("this is a token itself; write it to a file that only you can read, and name that")
		}
	case Number:
		if n, err := strconv.Atoi(text); err != nil || n < 0 || n > maxJobs {
			return fmt.Errorf("%q is not a whole number between 0 and %d", text, maxJobs)
		}
	case Networks:
		if _, err := stepnet.ParseNetworks(text); err != nil {
			return err
		}
	case Switch:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q is neither true nor false", text)
		}
	}
	if e.Check != nil {
		return e.Check(text)
	}
	if e.OneOf != nil && !slices.Contains(e.OneOf, text) {
		return fmt.Errorf("%q is not one of %s%s", text, list(e.OneOf), meant(text, e.OneOf))
	}
	return nil
}

func checkWindow(text string) error {
	_, err := update.ParseWindow(text)
	return err
}

// checkNoSecret refuses a webhook's secret in place of where it is.
func checkNoSecret(text string) error {
	if strings.HasPrefix(text, "whsec_") {
		return errors.New("this is a secret itself; write it to a file that only you can read, and name that")
	}
	return nil
}

func meant(word string, known []string) string {
	if nearest := strict.Nearest(word, known); nearest != "" {
		return fmt.Sprintf("; did you mean %q?", nearest)
	}
	return ""
}

// checkMirrors judges the mirrors of one archive.
func checkMirrors(archive string, urls []string) error {
	if !archiveName.MatchString(archive) {
		return fmt.Errorf("%q is not an archive's name: lower-case letters, digits and hyphens", archive)
	}
	if len(urls) == 0 {
		return fmt.Errorf("archive %s has no mirror; give a URL or leave it out", archive)
	}
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil || !slices.Contains([]string{"http", "https", "file"}, u.Scheme) || u.Host == "" && u.Scheme != "file" {
			return fmt.Errorf("mirror %q is not a URL with http, https or file", redact(text))
		}
	}
	return nil
}

// redact hides a password in a URL.
func redact(text string) string {
	if u, err := url.Parse(text); err == nil {
		return u.Redacted()
	}
	return "(not a URL)"
}
