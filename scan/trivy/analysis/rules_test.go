//go:build goexperiment.jsonv2

package analysis

import (
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/aquasecurity/trivy/pkg/fanal/secret"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"

	"github.com/bakelite/bakelite/scan/secrets"
)

// token has the form of a GitHub token, and is none.
const token = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"

// example is a text that an expression matches.
func example(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		return string(letter(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "a"
	case syntax.OpCapture, syntax.OpPlus:
		return example(re.Sub[0])
	case syntax.OpRepeat:
		return strings.Repeat(example(re.Sub[0]), re.Min)
	case syntax.OpAlternate:
		return example(re.Sub[0])
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(example(sub))
		}
		return b.String()
	}
	return "" // what may be nothing, and places
}

// letter is one of a class, of those that texts have if it may be.
func letter(ranges []rune) rune {
	for _, r := range "xa " {
		for i := 0; i < len(ranges); i += 2 {
			if ranges[i] <= r && r <= ranges[i+1] {
				return r
			}
		}
	}
	return ranges[0]
}

// TestRulesAreTrivys: whatever Trivy finds in an example of each of its rules,
// its exceptions taken away, is found here, and by the same name, in text and
// between the bytes of a program.
func TestRulesAreTrivys(t *testing.T) {
	theirs := secret.NewScanner(&secret.Config{SkipPatterns: &[]string{}})
	theirs.AllowRules = nil
	ours := secrets.New(secrets.Limits{}, rules()...)
	tried := 0
	for _, r := range secret.GetBuiltinRules() {
		if r.ID == secrets.PrivateKey || r.ID == secrets.AgeKey {
			continue // found by their form, which examples like these have not
		}
		re, err := syntax.Parse(r.Regex.String(), syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		name := "srv/settings.xml"
		if r.Path != nil && !r.MatchPath(name) {
			name = "srv/settings-security.xml"
		}
		text := "first line\n " + example(re) + " \nlast line\n"
		found := theirs.Scan(secret.ScanArgs{FilePath: name, Content: strings.NewReader(text)})
		if !slices.ContainsFunc(found.Findings, func(f ftypes.SecretFinding) bool { return f.RuleID == r.ID }) {
			continue
		}
		tried++
		for _, data := range []string{text, "\x7fELF\x00\x01\x02" + text, "\x00" + text, strings.Repeat("long line before it\n", 5000) + text} {
			got, err := ours.Bytes(t.Context(), name, []byte(data), true)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found.Findings {
				if !slices.ContainsFunc(got, func(g secrets.Finding) bool {
					return g.Rule == f.RuleID && g.Line == f.StartLine+strings.Count(data, "\n")-strings.Count(text, "\n")
				}) {
					t.Errorf("%s finds %s at %d in %q, and we %+v", r.ID, f.RuleID, f.StartLine, text, got)
				}
			}
		}
	}
	if all := len(secret.GetBuiltinRules()) - 2; tried < all*9/10 {
		t.Errorf("only %d of %d rules were tried", tried, all)
	}
}

// TestExampleKeys: the keys that AWS's manuals show are none; what a name or a
// comment calls an example is one.
func TestExampleKeys(t *testing.T) {
	s := secrets.New(secrets.Limits{}, rules()...)
	for text, want := range map[string]int{
		"id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n": 0,
		"id = AKIAIOSFODNN7ABCDEFG\n":                                           1,
		"# an example\nexample_token = " + token + " # example\n":               1,
		"facebook_example: '0123456789abcdef0123456789abcdef'\n":                1,
		"AWS_SECRET_ACCESS_KEY: \"wJalrXUtnFEMI/K7MDENG/bPxRfiCYabcdefgabc\"\n": 1,
	} {
		found, err := s.Bytes(t.Context(), "srv/example/a", []byte(text), true)
		if err != nil || len(found) != want {
			t.Errorf("%q: %+v, %v", text, found, err)
		}
	}
}
