//go:build goexperiment.jsonv2

// Testdb writes the small database of real facts that tests and the demo
// compare with: go run ./test/testdb --updated 2026-11-24T00:00:00Z FOLDER.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/bakelite/bakelite/scan/trivy/testdb"
)

func main() {
	updated := flag.String("updated", "", "when the database was last changed, in RFC 3339")
	flag.Parse()
	if err := run(*updated, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "testdb:", err)
		os.Exit(1)
	}
}

func run(updated string, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one folder, not %d", len(args))
	}
	at, err := time.Parse(time.RFC3339, updated)
	if err != nil {
		return fmt.Errorf("reading --updated: %w", err)
	}
	facts, err := testdb.Advisories()
	if err != nil {
		return err
	}
	return testdb.Write(args[0], at, facts)
}
