package controls

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// Limits on what a check prints: the script cuts a detail at 500 bytes.
const (
	maxResultBytes = 1 << 20
	maxResultLine  = 1 << 10
)

// Result says whether one control holds, and why not.
type Result struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Level  int    `json:"level"`
	Passed bool   `json:"passed"`
	Detail string `json:"detail,omitempty"`
}

// ParseResults reads what the script of CheckScript(cs) printed and returns a
// result for each control, in the order of cs. A control that is missing,
// unknown or there twice, and any line of another form, is a fault.Build
// error: then the check itself did not work.
func ParseResults(r io.Reader, cs []Control) ([]Result, error) {
	found, err := readResults(r, cs)
	if err != nil {
		err = fault.As(fault.Build, fmt.Errorf("reading the results of the hardening checks: %w", err))
		return nil, fault.Hint(err, "the checks did not run to their end; look for messages of the shell above, and check that the tree holds sh, coreutils, find, sed and mawk where the checks run in it")
	}
	results := make([]Result, len(cs))
	for i, c := range cs {
		results[i] = found[c.ID]
	}
	return results, nil
}

func readResults(r io.Reader, cs []Control) (map[string]Result, error) {
	found := make(map[string]Result, len(cs))
	lines := bufio.NewScanner(limit.Reader(r, maxResultBytes, "the output of the checks"))
	lines.Buffer(nil, maxResultLine)
	for lines.Scan() {
		result, err := parseResult(lines.Text(), cs)
		if err != nil {
			return nil, err
		}
		if _, twice := found[result.ID]; twice {
			return nil, fmt.Errorf("control %s has two results", result.ID)
		}
		found[result.ID] = result
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	for _, c := range cs {
		if _, ok := found[c.ID]; !ok {
			return nil, fmt.Errorf("control %s has no result", c.ID)
		}
	}
	return found, nil
}

func parseResult(line string, cs []Control) (Result, error) {
	if strings.IndexFunc(line, func(r rune) bool { return r != '\t' && (r < ' ' || r > '~') }) >= 0 {
		return Result{}, fmt.Errorf("a line holds a sign that is not printable ASCII: %q", line)
	}
	fields := strings.Split(line, "\t")
	if len(fields) != 3 || fields[1] != "pass" && fields[1] != "fail" {
		return Result{}, fmt.Errorf("a line is not an identifier, pass or fail, and a detail: %q", line)
	}
	i := slices.IndexFunc(cs, func(c Control) bool { return c.ID == fields[0] })
	if i < 0 {
		return Result{}, fmt.Errorf("control %q was not asked for", fields[0])
	}
	c := cs[i]
	return Result{ID: c.ID, Title: c.Title, Level: c.Level, Passed: fields[1] == "pass", Detail: fields[2]}, nil
}

// Score counts the results of one check.
type Score struct {
	Passed int `json:"passed"`
	Failed int `json:"failed"`
}

// ScoreOf counts results.
func ScoreOf(results []Result) Score {
	var s Score
	for _, r := range results {
		if r.Passed {
			s.Passed++
		} else {
			s.Failed++
		}
	}
	return s
}

// String writes a score as "33 of 35".
func (s Score) String() string { return fmt.Sprintf("%d of %d", s.Passed, s.Passed+s.Failed) }
