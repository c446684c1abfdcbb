package catalogue

import (
	"fmt"
	"strings"

	"github.com/bakelite/bakelite/scan/controls"
)

// HardeningMarkdown returns docs/hardening.md: what becomes of each
// recommendation, with totals.
func HardeningMarkdown(all []Benchmark) string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\nMade from templates/hardening; `go test ./scan/controls/catalogue -update` writes it anew. " +
		"It says what becomes of each recommendation, in our words and by our own judgement: nobody has certified anything. " +
		"What is applied is in the [list of controls](controls.md).\n")
	for _, benchmark := range all {
		writeBenchmark(&b, benchmark)
	}
	return b.String()
}

func writeBenchmark(b *strings.Builder, benchmark Benchmark) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", controls.Sources()[benchmark.Source], benchmark.Scope)
	count := map[string]int{}
	for _, r := range benchmark.Recommendations {
		count[r.Status]++
	}
	for _, s := range Statuses() {
		fmt.Fprintf(b, "* %d %s\n", count[s.Key], s.Title)
	}
	fmt.Fprintf(b, "* %d in all\n\n| Section | What it wants | | How |\n|---|---|---|---|\n", len(benchmark.Recommendations))
	for _, r := range benchmark.Recommendations {
		how := r.Why
		if len(r.Controls) > 0 {
			how = strings.TrimSuffix(strings.Join(r.Controls, ", ")+"; "+r.Why, "; ")
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", r.Section, r.Title, r.Status, how)
	}
}
