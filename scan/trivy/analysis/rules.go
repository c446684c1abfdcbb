//go:build goexperiment.jsonv2

package analysis

import (
	"bytes"
	"crypto/sha256"

	"github.com/aquasecurity/trivy/pkg/fanal/secret"

	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/secrets"
)

// rules are Trivy's rules for secrets without its exceptions: none by path,
// none for names of files, none for what begins like a program. What says
// EXAMPLE in the secret itself, as the keys of AWS's manuals do, is none.
// Private keys are found by their form.
func rules() []secrets.Detector {
	scanner := secret.NewScanner(&secret.Config{SkipPatterns: &[]string{}, DisableRuleIDs: []string{secrets.PrivateKey, secrets.AgeKey}})
	scanner.AllowRules = nil
	var all []secrets.Detector
	for _, r := range scanner.Rules {
		d := secrets.Detector{Words: r.Keywords, Fold: true, Find: rule{scanner, r}.find}
		if closer, ok := closer()[r.ID]; ok {
			d.Words, d.Fold = closer.words, closer.fold
		}
		all = append(all, d)
	}
	return all
}

// closer are words for rules whose own are in every other text: their
// expressions ask for more.
func closer() map[string]struct {
	words []string
	fold  bool
} {
	type words = struct {
		words []string
		fold  bool
	}
	return map[string]words{
		"aws-access-key-id":             {[]string{"AKIA", "AGPA", "AIDA", "AROA", "AIPA", "ANPA", "ANVA", "ASIA", "A3T"}, false},
		"aws-secret-access-key":         {[]string{"aws_s", "aws_a", "aws_k", "aws__", "awsse", "awsac", "awske"}, true},
		"azure-sas-token":               {[]string{"sig="}, false},
		"lob-api-key":                   {append(each("live_", digits), each("test_", digits)...), true},
		"lob-pub-api-key":               {[]string{"_pub_"}, true},
		"openai-realtime-client-secret": {each("ek_", digits), false},
		"twilio-api-key":                {each("SK", digits+"ABCDEF"), false},
	}
}

const digits = "0123456789abcdef"

// each adds each of some letters to a word.
func each(word, letters string) []string {
	var all []string
	for _, l := range letters {
		all = append(all, word+string(l))
	}
	return all
}

// rule is one of Trivy's at work.
type rule struct {
	scanner secret.Scanner
	secret.Rule
}

const (
	// runBytes is how much text is compared with a rule at once, and around how
	// much of it again: more than any secret has.
	runBytes = 16 << 10
	around   = 4 << 10
)

// find compares the text around a word with the rule. Text in a program is
// text too.
func (r rule) find(name string, data []byte, at int) (found []secrets.Found, until int) {
	if !r.MatchPath("/" + name) {
		return nil, len(data)
	}
	from, to := at, at
	for from > max(0, at-around) && isText(data[from-1]) {
		from--
	}
	for to < min(at+runBytes, len(data)) && isText(data[to]) {
		to++
	}
	for _, l := range r.scanner.FindLocations(r.Rule, data[from:to]) {
		text := data[from+l.Start : from+l.End]
		if !bytes.Contains(bytes.ToUpper(text), []byte("EXAMPLE")) {
			found = append(found, secrets.Found{At: from + l.Start, Rule: r.ID, Title: r.Title, Severity: scan.SeverityOf(r.Severity), Sum: sha256.Sum256(text)})
		}
	}
	if to == at+runBytes {
		return found, to - around
	}
	return found, to
}

// isText is what Trivy's test for programs lets through.
func isText(b byte) bool {
	return b >= 0x20 && b != 0x7f || b >= 7 && b <= 13 && b != 11 || b == 27
}
