package dockerfile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/dockerfile"
)

// doubled is a Dockerfile of which each line has the last value twice.
func doubled(line string) string {
	var b strings.Builder
	b.WriteString("FROM base\n" + fmt.Sprintf(line, 0, "aaaaaaaaaaaaaaaa"))
	for i := range 25 {
		fmt.Fprintf(&b, line, i+1, fmt.Sprintf("$V%d$V%d", i, i))
	}
	return b.String()
}

// TestVariablesThatGrow: a Dockerfile of a page does not fill the memory.
func TestVariablesThatGrow(t *testing.T) {
	grows := "FROM base\nENV V=" + strings.Repeat("a", 5000) + "\n"
	for name, text := range map[string]string{
		"ENV":         doubled("ENV V%d=%s\n"),
		"ARG":         doubled("ARG V%d=%s\n"),
		"in a label":  "FROM base\nENV V=" + strings.Repeat("a", 20_000) + "\nLABEL x=" + strings.Repeat("$V", 1000) + "\n",
		"replaced":    grows + "LABEL x=${V//a/$V}\n",
		"deep":        "FROM base\nLABEL x=" + strings.Repeat("${a:-", 2000) + strings.Repeat("}", 2000) + "\n",
		"in each one": grows + strings.Repeat("WORKDIR /$V\n", 5000),
		"before FROM": "ARG V=" + strings.Repeat("a", 20_000) + "\nFROM " + strings.Repeat("$V", 1000) + "\n",
		"ports":       grows + strings.Repeat("EXPOSE $V\n", 5000),
	} {
		if _, err := dockerfile.Read(strings.NewReader(text), "Dockerfile", ""); !errors.As(err, new(*dockerfile.Excess)) {
			t.Errorf("%s: it is read: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"ENV":   doubled("ENV V%d=%s\n"),
		"ARG":   doubled("ARG V%d=%s\n"),
		"shell": strings.ReplaceAll(doubled("RUN:V%d=%s;"), "RUN:", "") + "\n",
	} {
		text = strings.Replace(text, "FROM base\nV0", "FROM base\nRUN V0", 1)
		if _, err := dockerfile.Asked(strings.NewReader(text), "Dockerfile", dockerfile.Names("trixie")); !errors.As(err, new(*dockerfile.Excess)) {
			t.Errorf("%s, for packages: it is read: %v", name, err)
		}
	}
}

// TestMoreThanAnybodyHas: what takes the square of its number is bounded.
func TestMoreThanAnybodyHas(t *testing.T) {
	variables := "FROM base\nENV"
	for i := range 3000 {
		variables += fmt.Sprintf(" V%d=x", i)
	}
	for name, text := range map[string]string{
		"lines": "FROM base\n" + strings.Repeat("RUN x\n", 10_001), "stages": strings.Repeat("FROM base\n", 1001), "variables": variables, "arguments": strings.ReplaceAll(variables, "ENV", strings.Repeat("ARG A\n", 3)+"ARG") + strings.ReplaceAll(variables[9:], "ENV", "\nARG"),
	} {
		if _, err := dockerfile.Read(strings.NewReader(text), "Dockerfile", ""); !errors.As(err, new(*dockerfile.Excess)) {
			t.Errorf("%s: it is read: %v", name, err)
		}
	}
}

// TestDeepScript: a script as deep as a Dockerfile may be large ends no parser.
func TestDeepScript(t *testing.T) {
	text := "FROM base\nRUN " + strings.Repeat(strings.Repeat("(", 60_000)+"\\\n", 200) + "x\nRUN apt-get install -y jq\n"
	got, err := dockerfile.Asked(strings.NewReader(text), "Dockerfile", dockerfile.Names("trixie"))
	if err != nil || len(got.Image) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}
