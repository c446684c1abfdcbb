// Command bench measures what docs and issues promise, side by side in one
// run, and writes the figures to bench/results.md. Machines differ and are
// shared: the ratios count, each of medians of runs made in turn.
//
//	make bench
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	work, err := os.MkdirTemp("", "bakelite-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	b, err := newBench(ctx, work)
	if err != nil {
		return err
	}
	defer b.close()
	var rows []row
	for _, measure := range []func() ([]row, error){
		b.start, b.cold, b.noop, b.oneFile, b.onePackage, b.overhead, b.sizes,
		b.added, b.again, b.rejudge, b.ourChain,
	} {
		got, err := measure()
		if err != nil {
			return err
		}
		for _, r := range got {
			fmt.Println(r)
		}
		rows = append(rows, got...)
	}
	return os.WriteFile("bench/results.md", []byte(report(rows)), 0o644)
}

// row is one line of the report.
type row struct{ what, figure, limit string }

func (r row) String() string { return fmt.Sprintf("%-72s %-44s %s", r.what, r.figure, r.limit) }

func report(rows []row) string {
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
