package show

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/scan/controls"
)

// Controls writes which controls hold for people: one line each, with those
// that fail first and those that do not apply last.
func Controls(w io.Writer, results []controls.Result, o Options) error {
	var b strings.Builder
	score := controls.ScoreOf(results)
	fmt.Fprintf(&b, "controls: %s hold, %d do not apply\n", score, score.NotApplicable)
	var rows [][]string
	for _, r := range slices.SortedStableFunc(slices.Values(results), func(x, y controls.Result) int { return standing(x) - standing(y) }) {
		rows = append(rows, []string{[]string{"FAILS", "holds", "-"}[standing(r)], r.ID, r.Title + saying(r)})
	}
	grid(&b, rows, o.width(), 1)
	return writeText(w, b.String())
}

// standing sorts results.
func standing(r controls.Result) int {
	switch {
	case r.NotApplicable:
		return 2
	case r.Passed:
		return 1
	}
	return 0
}

func saying(r controls.Result) string {
	if r.Detail == "" {
		return ""
	}
	return ": " + r.Detail
}
