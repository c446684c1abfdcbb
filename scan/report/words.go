package report

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/bakelite/bakelite/internal/plain"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
	"github.com/bakelite/bakelite/scan/show"
)

const (
	// maxName and maxText bound names and sentences on the page, in characters.
	maxName = 120
	maxText = 300
	// maxBars is how many packages have a bar of their own.
	maxBars = 25
)

// shown is a text of what was scanned, bounded and plain.
func shown(text string, most int) string {
	text = plain.Text(text)
	if all := []rune(text); len(all) > most {
		return string(all[:most-1]) + "…"
	}
	return text
}

// link is an address of the web, and "" for any other.
func link(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(text) > maxText {
		return ""
	}
	return text
}

func day(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format(time.DateOnly)
}

func minute(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func byteSize(n int64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// findingsOf are a report's, the worst first.
func findingsOf(r *scan.Report) []scan.Finding { return show.WorstFirst(r.Findings) }

func severityOf(text string) string { return show.Severity(text) }

// Count is how many findings have a severity.
type Count struct {
	Severity string
	Count    int
}

// countsOf counts findings, the worst first; severities that none has are left
// out.
func countsOf(r *scan.Report) []Count {
	by := map[string]int{}
	for _, f := range r.Findings {
		by[show.Severity(f.Severity)]++
	}
	var all []Count
	for _, s := range slices.Backward(scan.Severities()) {
		if by[s] > 0 {
			all = append(all, Count{s, by[s]})
		}
	}
	return all
}

// Bar is one bar of the picture of sizes.
type Bar struct {
	Name  string
	Bytes int64
	// Share is the bar's length in percent of the longest.
	Share float64
}

// barsOf draws the largest packages, and the others as one.
func barsOf(sizes []Size) []Bar {
	var bars []Bar
	for i, s := range sizes {
		if i < maxBars {
			bars = append(bars, Bar{Name: s.Package, Bytes: s.Bytes})
			continue
		}
		if i == maxBars {
			bars = append(bars, Bar{Name: plural(len(sizes)-maxBars, "other package", "other packages")})
		}
		bars[maxBars].Bytes += s.Bytes
	}
	longest := int64(1)
	for _, b := range bars {
		longest = max(longest, b.Bytes)
	}
	for i := range bars {
		bars[i].Share = float64(bars[i].Bytes*1000/longest) / 10
	}
	return bars
}

// rankOf orders outcomes, the worst last; what is no outcome counts as failed.
func rankOf(outcome string) int {
	all := []string{"", gate.OutcomePassed, "unjudged", "untested", gate.OutcomeReported, gate.OutcomeFailed}
	if i := slices.Index(all, outcome); i >= 0 {
		return i
	}
	return len(all)
}

// evidenceID is the identifier of a part of the page.
func evidenceID(index int, part string) string { return fmt.Sprintf("%s-%d", part, index+1) }
