// Command bench measures what docs and issues promise, side by side in one
// run, and writes the figures to bench/results.md. Machines differ and are
// shared: the ratios count, each of medians of runs made in turn.
//
//	make bench
//
// While at work on one figure, time it alone and more often; then nothing is
// written:
//
//	go run ./bench -only overhead -runs 7
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	only := flag.String("only", "", "time only this `measure`")
	runs := flag.Int("runs", 3, "how `often` each command of a pair is timed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, runs int) error {
	work, err := os.MkdirTemp("", "bakelite-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	b, err := newBench(ctx, work, runs)
	if err != nil {
		return err
	}
	defer b.close()
	measures := []struct {
		name    string
		measure func() ([]row, error)
	}{
		{"go", b.goBuild}, {"start", b.start}, {"cold", b.cold}, {"noop", b.noop},
		{"file", b.oneFile}, {"package", b.onePackage}, {"overhead", b.overhead},
		{"sizes", b.sizes}, {"fleet", b.fleet}, {"outdated", b.outdated}, {"added", b.added}, {"again", b.again}, {"rejudge", b.rejudge}, {"chain", b.ourChain},
	}
	var rows []row
	for _, m := range measures {
		if only != "" && only != m.name {
			continue
		}
		got, err := m.measure()
		if err != nil {
			return err
		}
		for _, r := range got {
			fmt.Println(r)
		}
		rows = append(rows, got...)
	}
	if only != "" {
		return nil
	}
	return os.WriteFile("bench/results.md", []byte(report(rows, runs)), 0o644)
}

// row is one line of the report.
type row struct{ what, figure, limit string }

func (r row) String() string { return fmt.Sprintf("%-72s %-44s %s", r.what, r.figure, r.limit) }

func report(rows []row, runs int) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# Measured %s\n\nOn %s; %d processors; load at the end %s. Made by `make bench`; medians of %d runs in turn.\n\n",
		time.Now().UTC().Format(time.DateOnly), machineName(), runtime.NumCPU(), load(), runs)
	out.WriteString("| What | Measured | Limit |\n| --- | --- | --- |\n")
	for _, r := range rows {
		fmt.Fprintf(&out, "| %s | %s | %s |\n", r.what, r.figure, r.limit)
	}
	return out.String()
}

func machineName() string {
	name, system := "unknown processor", "unknown system"
	for _, line := range lines("/proc/cpuinfo") {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			name = strings.TrimSpace(value)
			break
		}
	}
	for _, line := range lines("/etc/os-release") {
		if value, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			system = strings.Trim(value, `"`)
		}
	}
	return name + ", " + system + ", no KVM: declared tests are not part of any figure"
}

func load() string {
	if l := lines("/proc/loadavg"); len(l) > 0 {
		return strings.Fields(l[0])[0]
	}
	return "unknown"
}

func lines(path string) []string {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil
	}
	return strings.Split(string(text), "\n")
}
