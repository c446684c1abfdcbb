package policy

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/bakelite/bakelite/internal/channel"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/strict"
)

const (
	// maxItems bounds each list of a policy, maxText each text in it, in bytes.
	maxItems = 1000
	maxText  = 2000
	// maxGrace is ten years: more is a waiver without an owner.
	maxGrace = 3650
	maxHours = maxGrace * 24
)

// Modes returns what gate.mode may be.
func Modes() []string { return []string{Enforce, ReportOnly} }

// Severities returns the severities that a policy names, from the least to
// the worst. What nobody rated counts as unknownAs says.
func Severities() []string { return []string{"low", "medium", "high", "critical"} }

// Validate returns every problem of p that can be seen without its files, in
// the order of the file and without places. It changes nothing; keys that
// were left out are judged by their defaults.
func Validate(p Policy) Problems {
	c := &checker{}
	p = WithDefaults(p)
	c.identity(p)
	c.bases(p.Bases)
	if p.Build.Network != "" {
		c.oneOf("build.network", p.Build.Network, []string{Allowed, Forbidden})
	}
	c.gate(p.Gate)
	c.waivers(p.Waivers)
	c.vex(p.VEX)
	c.patches(p.Patches)
	c.verify(p.Verify)
	return c.problems
}

// checker collects problems; its methods each judge one part of a Policy.
type checker struct{ problems Problems }

func (c *checker) add(key, format string, args ...any) {
	c.problems = append(c.problems, strict.Problem{Key: key, Message: fmt.Sprintf(format, args...)})
}

// oneOf judges a word that must be among known.
func (c *checker) oneOf(key, word string, known []string) {
	if slices.Contains(known, word) {
		return
	}
	c.problems = append(c.problems, strict.Problem{
		Key: key, Message: fmt.Sprintf("%q is not known here; use one of %s", word, strings.Join(known, ", ")),
		Suggestion: strict.Nearest(word, known),
	})
}

// each judges the entries of a list of texts, which stand there once.
func (c *checker) each(key string, list []string, judge func(key, text string)) {
	if !c.bounded(key, len(list)) {
		return
	}
	for i, text := range list {
		if first := slices.Index(list, text); first < i {
			c.add(item(key, i), "stands here twice, first as entry %d", first+1)
			continue
		}
		if c.text(item(key, i), text) {
			judge(item(key, i), text)
		}
	}
}

func (c *checker) bounded(key string, entries int) bool {
	if entries > maxItems {
		c.add(key, "has %d entries; at most %d are allowed", entries, maxItems)
	}
	return entries <= maxItems
}

// text judges what must be one printable, not too long text, and says whether
// it is.
func (c *checker) text(key, s string) bool {
	switch {
	case strings.TrimSpace(s) == "":
		c.add(key, "is empty")
	case len(s) > maxText:
		c.add(key, "is longer than %d bytes", maxText)
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }):
		c.add(key, "holds a control character")
	default:
		return true
	}
	return false
}

// word judges a text without spaces.
func (c *checker) word(key, s string) {
	if strings.ContainsFunc(s, unicode.IsSpace) {
		c.add(key, "%q holds a space", s)
	}
}

// optional judges a word that may be left out.
func (c *checker) optional(key, s string) {
	if s != "" && c.text(key, s) {
		c.word(key, s)
	}
}

// file judges the name of a file below the policy's folder.
func (c *checker) file(key, name string) {
	if !filepath.IsLocal(name) {
		c.add(key, "%q leads out of the policy file's folder; name a file below it", name)
	}
}

func item(key string, i int) string { return fmt.Sprintf("%s[%d]", key, i) }

func (c *checker) identity(p Policy) {
	switch p.APIVersion {
	case APIVersion:
	case "":
		c.add("apiVersion", "is missing; this Bakelite reads %s", APIVersion)
	default:
		c.add("apiVersion", "%q is another version of the format; this Bakelite reads %s: change the key, or use the Bakelite that the file was written for", p.APIVersion, APIVersion)
	}
	if p.Kind != Kind {
		c.add("kind", "%q is not the kind of a policy file; write %s", p.Kind, Kind)
	}
}

func (c *checker) vex(names []string) {
	c.each("vex", names, c.file)
}

func (c *checker) verify(v Verify) {
	c.signers("verify.signedBy", v.SignedBy)
	c.signers("verify.releasedBy", v.ReleasedBy)
	if v.Channel != "" {
		if err := channel.CheckName(v.Channel); err != nil {
			c.add("verify.channel", "%v", err)
		}
	}
	c.optional("verify.builder", v.Builder)
	c.optional("verify.source", v.Source)
	c.each("verify.policies", v.Policies, func(key, digest string) {
		if !digests.Valid(digest) {
			c.add(key, "%q is not the digest of a policy; write sha256: and 64 hexadecimal digits", digest)
		}
	})
}
