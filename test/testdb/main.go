//go:build goexperiment.jsonv2

// Testdb writes the small database of real facts that tests and the demo
// compare with: go run ./test/testdb --updated 2026-11-24T00:00:00Z FOLDER.
// With --facts it takes those of a file in their place.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/bakelite/bakelite/scan/trivy/testdb"
)

func main() {
	updated := flag.String("updated", "", "when the database was last changed, in RFC 3339")
	from := flag.String("facts", "", "JSON file of advisories to take in place of the real ones")
	flag.Parse()
	if err := run(*updated, *from, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "testdb:", err)
		os.Exit(1)
	}
}

func run(updated, from string, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one folder, not %d", len(args))
	}
	at, err := time.Parse(time.RFC3339, updated)
	if err != nil {
		return fmt.Errorf("reading --updated: %w", err)
	}
	facts, err := read(from)
	if err != nil {
		return err
	}
	return testdb.Write(args[0], at, facts)
}

func read(from string) (facts []testdb.Advisory, err error) {
	if from == "" {
		return testdb.Advisories()
	}
	text, err := os.ReadFile(from)
	if err == nil {
		err = json.Unmarshal(text, &facts)
	}
	if err != nil {
		return nil, fmt.Errorf("reading facts: %w", err)
	}
	return facts, nil
}
