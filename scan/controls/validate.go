package controls

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
)

// Validate refuses records that make no sense or contradict each other, with
// all of their mistakes; the error is a defect of this program (kind Internal).
func Validate(cs []Control) error {
	if err := validate(cs); err != nil {
		return fault.As(fault.Internal, fmt.Errorf("validating hardening controls: %w", err))
	}
	return nil
}

func validate(cs []Control) error {
	var errs []error
	seen := map[string]bool{}
	for _, c := range cs {
		if seen[c.ID] {
			errs = append(errs, fmt.Errorf("%s: the identifier is taken", c.ID))
		}
		seen[c.ID] = true
		for _, err := range append(checkControl(c), checkSettings(c)...) {
			errs = append(errs, fmt.Errorf("%s: %w", c.ID, err))
		}
	}
	return errors.Join(append(errs, contradictions(cs)...)...)
}

func checkControl(c Control) []error {
	var errs []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	require(matches(c.ID, `BK-[A-Z]{2,4}-[0-9]{2}`), "the identifier is not like BK-FS-01")
	require(matches(c.Title, `[!-~][ -~]{9,99}`), "the title is not a line of 10 to 100 letters")
	require(c.Level == 1 || c.Level == 2, "the level is %d, not 1 or 2", c.Level)
	require(slices.Equal(c.On, []string{Container}) || slices.Equal(c.On, []string{Disk}) || slices.Equal(c.On, []string{Container, Disk}),
		"on is %v, not one or both of container and disk, in this order", c.On)
	require(c.Unless == "" || matches(c.Unless, namePattern), "unless is not a word")
	require(c.Where == "" || matches(c.Where, pathPattern), "where is not a plain absolute path")
	require(len(c.References) > 0, "there is no reference")
	for source, sections := range c.References {
		require(Sources()[source] != "", "nothing is known about the source %q", source)
		require(len(sections) > 0, "the source %q has no section", source)
		for _, section := range sections {
			require(matches(section, `[!-{}~][ -{}~]*`), "the section %q is not plain text", section)
			require(!strings.HasPrefix(source, "cis-") || matches(section, `[1-9][0-9]*(\.[1-9][0-9]*)+`), "the section %q is not a number", section)
		}
	}
	require(len(c.Sets) > 0, "nothing is set")
	require(!c.ImageOnly || !c.RunningOnly, "it is for the image only, and for a running machine only")
	return errs
}

func checkSettings(c Control) []error {
	var errs []error
	for _, s := range c.Sets {
		k, ok := kinds()[s.Name()]
		if !ok {
			errs = append(errs, fmt.Errorf("there is no kind %q with the syntax %q", s.Kind, s.Syntax))
			continue
		}
		if k.running != c.RunningOnly && !k.effect {
			errs = append(errs, fmt.Errorf("runningOnly and the kind %s do not go together", s.Kind))
		}
		if k.on != "" && !slices.Equal(c.On, []string{k.on}) {
			errs = append(errs, fmt.Errorf("the kind %s is for a %s only", s.Kind, k.on))
		}
		errs = append(errs, checkFields(s, k)...)
	}
	return errs
}

func checkFields(s Setting, k kind) []error {
	var errs []error
	for _, f := range fields(s) {
		needed := slices.Contains(k.needs, f.name)
		switch {
		case needed && len(f.values) == 0:
			errs = append(errs, fmt.Errorf("the kind %s needs %s", s.Kind, f.name))
		case !needed && !slices.Contains(k.may, f.name) && len(f.values) > 0:
			errs = append(errs, fmt.Errorf("the kind %s has no %s", s.Kind, f.name))
		}
		for _, value := range f.values {
			if !matches(value, f.pattern) || strings.Contains(value, "/../") {
				errs = append(errs, fmt.Errorf("the kind %s cannot have the %s %q", s.Kind, f.name, value))
			}
		}
	}
	return errs
}

// What values may look like. Narrow on purpose: they become patterns of names
// and lines of files.
const (
	pathPattern   = `(/[A-Za-z0-9._-]+)+`
	globPattern   = `(/[A-Za-z0-9._-]+)*/[A-Za-z0-9._*-]+`
	modePattern   = `0[0-7]{3}`
	ownerPattern  = `[0-9]+:[0-9]+`
	textPattern   = `([ -~]*\n)+`
	pairPattern   = `[A-Za-z][A-Za-z0-9._*-]*=[A-Za-z0-9:._-]+`
	statePattern  = `/(proc|sys)(/[a-z0-9_.-]+)+=[A-Za-z0-9\[\]-]+`
	namePattern   = `[a-z][a-z0-9_.-]*(=[a-z0-9,]+)?`
	optionPattern = `[a-z]+`
)

type field struct {
	name    string
	values  []string
	pattern string
}

// fields lists the fields of a setting that a kind may have.
func fields(s Setting) []field {
	paths, pairs := pathPattern, pairPattern
	switch s.Kind {
	case Absent:
		paths = globPattern
	case KernelState:
		pairs = statePattern
	}
	return []field{
		{"path", one(s.Path), pathPattern},
		{"paths", s.Paths, paths},
		{"except", s.Except, pathPattern},
		{"mode", one(s.Mode), modePattern},
		{"owner", one(s.Owner), ownerPattern},
		{"content", one(s.Content), textPattern},
		{"syntax", one(s.Syntax), optionPattern},
		{"values", Pairs(s.Values, "="), pairs},
		{"names", s.Names, namePattern},
		{"options", s.Options, optionPattern},
	}
}

func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

func matches(text, pattern string) bool {
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(text)
}
