// Command tests shows for a person what go test -json says on stdin: a line for
// each test when it ends, with its time, what a test wrote where it failed, and
// at the end those that took longest.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// maxLine bounds one event, in bytes, and slowest is how many tests are named.
const (
	maxLine = 4 << 20
	slowest = 10
)

// event is one line of go doc test2json.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

func main() {
	if err := show(os.Stdout, os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "tests:", err)
		os.Exit(1)
	}
}

// show reads events to their end, so that whoever writes them never waits.
func show(w io.Writer, in io.Reader) error {
	r := report{w: w, output: map[string][]string{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(w, lines.Text()) // the go command's own words
			continue
		}
		r.take(e)
	}
	r.end()
	return lines.Err()
}

// report is what was said so far.
type report struct {
	w      io.Writer
	output map[string][]string
	ended  []event
}

func (r *report) take(e event) {
	test, _, below := strings.Cut(e.Test, "/")
	key := e.Package + " " + test
	switch e.Action {
	case "output", "build-output":
		r.said(key, test, e.Output)
	case "pass", "skip", "fail":
		if test == "" || below {
			return
		}
		r.ended = append(r.ended, e)
		fmt.Fprintf(r.w, "%8.1fs  %-4s  %s\n", e.Elapsed, strings.ToUpper(e.Action), test)
		if e.Action != "pass" {
			fmt.Fprint(r.w, strings.Join(r.output[key], ""))
		}
		delete(r.output, key)
	}
}

// said keeps what a test writes and shows what none of them does, such as why a
// package does not compile.
func (r *report) said(key, test, text string) {
	mark := strings.HasPrefix(text, "=== ") || strings.HasPrefix(text, "PASS")
	switch {
	case mark:
	case test == "":
		fmt.Fprint(r.w, text)
	default:
		r.output[key] = append(r.output[key], text)
	}
}

// end shows what no end was told of, and the slowest.
func (r *report) end() {
	for _, lines := range r.output {
		fmt.Fprint(r.w, strings.Join(lines, ""))
	}
	slices.SortFunc(r.ended, func(a, b event) int { return cmp.Compare(b.Elapsed, a.Elapsed) })
	if len(r.ended) > 1 {
		fmt.Fprintln(r.w, "\nThe slowest:")
	}
	for _, e := range r.ended[:min(slowest, max(0, len(r.ended)-1))] {
		fmt.Fprintf(r.w, "%8.1fs  %s\n", e.Elapsed, e.Test)
	}
}
