package policy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/strict/stricttest"
)

const starter = "../../templates/policy/policy.yaml"

// TestStarterIsValid loads the starter as it is, and once more with every
// example in it.
func TestStarterIsValid(t *testing.T) {
	p, err := policy.Load(starter)
	if err != nil {
		t.Fatal(err)
	}
	if p.Gate.MinHardening != 90 || p.Gate.Vulnerabilities.GraceDays["critical"] != 2 {
		t.Errorf("got %+v", p.Gate)
	}
	data, err := os.ReadFile(starter)
	if err != nil {
		t.Fatal(err)
	}
	dir := stricttest.Folder(t, map[string]string{
		"policy.yaml": examples(string(data)), "keys/base.pub": "", "keys/release.pub": "", "vex/openssl.json": "",
	})
	p, err = policy.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Waivers) != 1 || len(p.Bases.Images.SignedBy) != 2 || len(p.Files) != 3 || p.Verify.Source == "" || p.Bases.Images.MaxAge == 0 {
		t.Errorf("an example was left out: %+v", p)
	}
}

// examples turns comments that are YAML into YAML: those that hold a key, and
// the lines below it.
func examples(text string) string {
	var b strings.Builder
	inside := false
	for line := range strings.Lines(text) {
		body := strings.TrimLeft(line, " ")
		commented, isComment := strings.CutPrefix(body, "# ")
		key, _, isKey := strings.Cut(commented, ":")
		inside = isComment && (inside && strings.HasPrefix(commented, "  ") || isKey && !strings.ContainsAny(key, " ,"))
		if inside {
			line = line[:len(line)-len(body)] + commented
		}
		b.WriteString(line)
	}
	return b.String()
}
