// Command all bakes the corpus and prints which cases pass, and their share.
// It ends with 1 where a case fails that is not known to.
//
// With --twice it bakes each once more on another engine, and names the files
// that differ.
//
//	go run ./test/corpus/all [--target container|disk] [--few N] [--twice] [--write] [CASE...]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/test/corpus"
)

// Where things are in the repository, which is the working folder.
const (
	folder  = "test/corpus"
	results = folder + "/results.json"
	page    = "docs/apps.md"
)

type options struct {
	bakelite, target string
	few              int
	write, twice     bool
}

func main() {
	var o options
	flag.StringVar(&o.bakelite, "bakelite", "bin/bakelite", "the `program` that bakes")
	flag.StringVar(&o.target, "target", "", "make one `kind` only: container or disk")
	flag.IntVar(&o.few, "few", 0, "bake `N` cases, others each day")
	flag.BoolVar(&o.twice, "twice", false, "bake each a second time on another engine, and compare")
	flag.BoolVar(&o.write, "write", false, "keep the outcomes in "+results+" and "+page)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	worse, err := run(ctx, o, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(2)
	}
	if len(worse) > 0 {
		fmt.Fprintln(os.Stderr, "corpus: not known to fail were:", strings.Join(worse, ", "))
		os.Exit(1)
	}
}

// run returns the cases that fail and are not known to.
func run(ctx context.Context, o options, names []string) (worse []string, err error) {
	cases, err := chosen(o, names)
	if err != nil {
		return nil, err
	}
	known, err := corpus.ReadResults(results)
	if err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "bakelite-corpus-")
	if err != nil {
		return nil, fmt.Errorf("making work folder: %w", err)
	}
	defer os.RemoveAll(work)
	b, err := baker(o, work)
	if err != nil {
		return nil, err
	}
	defer b.stop()
	all, err := b.bakeAll(ctx, cases, targets(o.target)) // what is done by an interrupt counts
	for _, outcome := range all {
		if old, tried := known.Known(outcome.Case, outcome.Target); !outcome.Passed && (old.Passed || !tried) {
			worse = append(worse, outcome.Case+" as "+outcome.Target)
		}
	}
	err = errors.Join(err, printTable(all))
	if o.write {
		err = errors.Join(err, b.keep(all))
	}
	return worse, err
}

func (k kitchen) bakeAll(ctx context.Context, cases []corpus.Case, targets []string) (all []corpus.Outcome, err error) {
	for _, c := range cases {
		for _, target := range targets {
			outcome, err := k.bake(ctx, c, target)
			if err = errors.Join(err, ctx.Err()); err != nil {
				return all, err
			}
			all = append(all, outcome)
			fmt.Fprintf(os.Stderr, "%s as %s: %s\n", c.Name, target, word(outcome))
		}
	}
	return all, nil
}

// bake bakes a case, and once more where that is asked and it passed.
func (k kitchen) bake(ctx context.Context, c corpus.Case, target string) (corpus.Outcome, error) {
	outcome, err := k.Bake(ctx, c, target)
	if err != nil || k.again == nil || !outcome.Passed || outcome.Refused {
		return outcome, err
	}
	differs, err := k.Twice(ctx, c, target, k.again)
	outcome.Twice = corpus.Said(differs)
	return outcome, err
}

func chosen(o options, names []string) ([]corpus.Case, error) {
	cases, err := corpus.Cases(folder)
	switch {
	case err != nil:
		return nil, err
	case len(cases) == 0:
		return nil, errors.New("no cases in " + folder + "; run it in the repository's folder")
	case o.target != "" && o.target != artifact.Container && o.target != artifact.Disk:
		return nil, fmt.Errorf("--target %s: want container or disk", o.target)
	case len(names) > 0:
		return corpus.Named(cases, names)
	case o.few > 0:
		return corpus.Today(cases, time.Now(), o.few), nil
	}
	return cases, nil
}

func targets(asked string) []string {
	if asked != "" {
		return []string{asked}
	}
	return []string{artifact.Container, artifact.Disk}
}

// kitchen is a baker whose folders are its own: those of the user's settings
// where they are given, so that the next run is faster.
type kitchen struct {
	corpus.Baker
	// again is the environment of a second engine, nil for none.
	again []string
}

func baker(o options, work string) (kitchen, error) {
	path, err := filepath.Abs(o.bakelite)
	if err != nil {
		return kitchen{}, fmt.Errorf("finding %s: %w", o.bakelite, err)
	}
	env := os.Environ()
	for name, dir := range map[string]string{"BAKELITE_STATE": "state", "BAKELITE_OUTPUT": "dist"} {
		if os.Getenv(name) == "" {
			env = append(env, name+"="+filepath.Join(work, dir))
		}
	}
	k := kitchen{Baker: corpus.Baker{Bakelite: path, Env: env, Work: filepath.Join(work, "apps")}}
	if o.twice {
		k.again = append(slices.Clone(env), "BAKELITE_STATE="+filepath.Join(work, "again"), "BAKELITE_OUTPUT="+filepath.Join(work, "again-dist"))
	}
	return k, nil
}

// stop ends the engine, whose state may be about to go.
func (k kitchen) stop() {
	for _, env := range [][]string{k.Env, k.again} {
		if env == nil {
			continue
		}
		end := exec.Command(k.Bakelite, "engine", "stop")
		end.Env, end.Stderr = env, os.Stderr
		_ = end.Run()
	}
}

func (k kitchen) version(ctx context.Context) (string, error) {
	ask := exec.CommandContext(ctx, k.Bakelite, "version")
	ask.Env = k.Env
	out, err := ask.Output()
	if err != nil {
		return "", fmt.Errorf("asking for the version: %w", err)
	}
	words := strings.Fields(string(out))
	if len(words) < 2 {
		return "", fmt.Errorf("the version is %q", out)
	}
	return words[1], nil
}

func word(o corpus.Outcome) string {
	switch {
	case o.Passed && o.Refused:
		return "refused as said"
	case o.Passed:
		return strings.TrimSuffix(fmt.Sprintf("passed in %.1f s; %s", o.Seconds, o.Twice), "; ")
	}
	return "FAILED: " + o.Why
}

func printTable(all []corpus.Outcome) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	for _, o := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\n", o.Case, o.Target, word(o))
	}
	for _, kind := range corpus.Kinds() {
		for _, target := range targets("") {
			if passed, tried := corpus.Share(all, kind, target); tried > 0 {
				fmt.Fprintf(table, "%s\t%s\t%d of %d\n", kind, target, passed, tried)
			}
		}
	}
	return table.Flush()
}

// keep writes the results and their page. Of other cases and targets it keeps
// what another run wrote meanwhile.
func (k kitchen) keep(all []corpus.Outcome) error {
	cases, err := corpus.Cases(folder)
	if err != nil {
		return err
	}
	r, err := corpus.ReadResults(results)
	if err != nil {
		return err
	}
	r = r.With(all)
	r.At = time.Now().UTC().Truncate(time.Second)
	if r.Bakelite, err = k.version(context.Background()); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("writing results: %w", err)
	}
	if err := os.WriteFile(results, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing results: %w", err)
	}
	return os.WriteFile(page, []byte(r.Page(cases)), 0o644)
}
