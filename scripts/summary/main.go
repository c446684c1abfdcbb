// Command summary shows what bakelite build --json and publish --json say, for a person: files,
// tests, the time of each step and what was published. It reads one object per app from stdin.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"text/tabwriter"
)

// maxInput bounds what is read, in bytes.
const maxInput = 16 << 20

// slowest is how many steps are named.
const slowest = 8

// result is the part of docs/json.md that is shown.
type result struct {
	App       string
	Rebuilt   bool
	Artifacts []struct {
		Kind, Format, Path, Digest string
		Size                       int64
	}
	Tests []struct {
		Artifact, Name, Detail string
		Passed                 bool
		Seconds                float64
	}
	Steps     []step
	Published []struct {
		Kind, Ref, Verdict, Signer string
		Tags, Referrers            []string
		Again                      bool
	}
}

type step struct {
	Name    string
	Seconds float64
	Cached  bool
}

func main() {
	if err := show(os.Stdout, os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "summary:", err)
		os.Exit(1)
	}
}

func show(w io.Writer, in io.Reader) error {
	results, err := read(in)
	if err != nil {
		return fmt.Errorf("reading result: %w", err)
	}
	for _, r := range results {
		if err := r.write(w); err != nil {
			return fmt.Errorf("writing summary: %w", err)
		}
	}
	return nil
}

// read takes a second result of an app for what publishing it said.
func read(in io.Reader) ([]result, error) {
	decoder := json.NewDecoder(io.LimitReader(in, maxInput))
	var all []result
	for {
		var r result
		err := decoder.Decode(&r)
		switch last := len(all) - 1; {
		case errors.Is(err, io.EOF) && last >= 0:
			return all, nil
		case err != nil:
			return nil, err
		case last >= 0 && all[last].App == r.App:
			all[last].Published = r.Published
		default:
			all = append(all, r)
		}
	}
}

func (r result) write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	if !r.Rebuilt {
		fmt.Fprintf(table, "%s was up to date; times are those of the build that made it\n", r.App)
	}
	fmt.Fprintln(table, "\nFiles")
	for _, a := range r.Artifacts {
		fmt.Fprintf(table, "  %s\t%s\t%.1f MB\t%s\n\t\t\t%s\n", a.Kind, a.Format, float64(a.Size)/1e6, a.Path, a.Digest)
	}
	fmt.Fprintln(table, "\nTests")
	for _, t := range r.Tests {
		word := "passed"
		if !t.Passed {
			word = "FAILED"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%.1f s\n", word, t.Artifact, t.Name, t.Seconds)
	}
	fmt.Fprintf(table, "\nSteps: %s\n", counts(r.Steps))
	for _, s := range top(r.Steps) {
		fmt.Fprintf(table, "  %.1f s\t%s\n", s.Seconds, s.Name)
	}
	r.writePublished(table)
	fmt.Fprint(table, next(r.App))
	return table.Flush()
}

func (r result) writePublished(w io.Writer) {
	if len(r.Published) == 0 {
		return
	}
	fmt.Fprintln(w, "\nPublished")
	for _, p := range r.Published {
		word := p.Verdict
		if p.Again {
			word += ", was there"
		}
		fmt.Fprintf(w, "  %s\t%s\t%d statements\ttags %s\n\t\t\t%s\n", p.Kind, word, len(p.Referrers), strings.Join(p.Tags, ", "), p.Ref)
	}
}

func counts(steps []step) string {
	cached := 0
	for _, s := range steps {
		if s.Cached {
			cached++
		}
	}
	return fmt.Sprintf("%d, of which %d came from the cache; those that took longest, some side by side:", len(steps), cached)
}

func top(steps []step) []step {
	var ran []step
	for _, s := range steps {
		if !s.Cached {
			ran = append(ran, s)
		}
	}
	sort.SliceStable(ran, func(i, j int) bool { return ran[i].Seconds > ran[j].Seconds })
	return ran[:min(slowest, len(ran))]
}

func next(app string) string {
	return strings.ReplaceAll(`
Try next
  bin/bakelite run examples/APP       serve from the container until Ctrl-C
  bin/bakelite boot examples/APP      serve from the disk until Ctrl-C
  bin/bakelite rebuild examples/APP   take the archive's updates, bake what changed
  bin/bakelite init my-app            write an app file of your own
  docs/tour.md                        refusals, a waiver, and verifying with cosign
`, "APP", app)
}
