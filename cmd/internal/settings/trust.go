package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/owner"
)

// trust is what is known of whose words the values are.
type trust struct {
	rule         owner.Rule
	file, unused source
	from         map[string]string
}

// Owners returns whose files count where the setting names one. It is nil
// where a user named the file, or the bakelite.yaml that names it: that is
// believed, whoever wrote it.
func (s *Settings) Owners(key string) *owner.Rule {
	if !s.trust.file.found || s.trust.from[key] != s.trust.file.at(key) {
		return nil
	}
	return &s.trust.rule
}

// at is where the file sets a key, as Value.Source has it.
func (f source) at(key string) string {
	return fmt.Sprintf("%s:%d", filepath.Base(f.path), f.places[key].Line)
}

// checkFound holds the files that a found bakelite.yaml names to the rule that
// it is held to itself. One that is not there is refused where it is needed.
func (s *Settings) checkFound() error {
	for _, e := range Table() {
		rule := s.Owners(e.Key)
		if rule == nil || !e.File {
			continue
		}
		path := textOf(reflect.ValueOf(s).Elem(), e.Key)
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			continue
		}
		if err := rule.Check(path, info); err != nil {
			return fault.Hint(fault.New(fault.Invalid, "%s names %s, and it %w", s.Named(e.Key), path, err),
				"use it on purpose with: --%s %s", e.Flag, path)
		}
	}
	return nil
}

// RefuseFound refuses, with fault.Invalid, a bakelite.yaml that was found and
// not named where it sets one of keys that nothing else gives: what a command
// believes of others' artifacts its user names.
func (s *Settings) RefuseFound(keys ...string) error {
	var set, flags []string
	for _, e := range Table() {
		if _, there := s.trust.unused.places[e.Key]; there && slices.Contains(keys, e.Key) && s.trust.from[e.Key] == fromDefault {
			set, flags = append(set, e.Key+" ("+s.trust.unused.at(e.Key)+")"), append(flags, "--"+e.Flag)
		}
	}
	if len(set) == 0 {
		return nil
	}
	return fault.Hint(fault.New(fault.Invalid, "%s sets %s; it was found here, not named, and this command believes only what you name", s.trust.unused.path, strings.Join(set, ", ")),
		"use it on purpose with: --config %s, or give %s", s.trust.unused.path, strings.Join(flags, ", "))
}
