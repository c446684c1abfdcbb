package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
)

var rewrite = flag.Bool("update", false, "write the documents that are made from the code")

const exitCodesFile = "../../docs/exit-codes.md"

// meanings says for each kind what happened and what a caller may do.
func meanings() map[fault.Kind][2]string {
	return map[fault.Kind][2]string{
		fault.Internal:  {"A defect of Bakelite or of the machine.", "Report it, with the message."},
		fault.Invalid:   {"The input is wrong: an app file, a flag, a setting, a lock.", "Correct it; another try gives the same."},
		fault.Missing:   {"A program or a file of this machine is missing.", "Run `bakelite doctor`."},
		fault.Network:   {"An archive, an engine or a registry was not reached.", "Try again later."},
		fault.Build:     {"A build step failed.", "Look at the step's output."},
		fault.Policy:    {"A declared test or the policy said no, or a service that runs here ended.", "Nothing was given its name; look at what failed."},
		fault.Integrity: {"A digest, a signature or a date did not hold.", "Do not use what was fetched; find out why."},
		fault.Unknown:   {"A suite of the archive, a registry or the database could not be read, so nobody knows whether an app is current.", "Try again; after the setting `update.unknown-after` it is 4 or 7."},
		fault.Stale:     {"What was planned no longer holds; nothing of it was begun.", "Make another plan: `bakelite rebuild --dry-run`."},
		fault.Busy:      {"Somebody else holds what is needed: a folder, a port.", "Try again when they are done."},
		fault.Cancelled: {"The command was stopped by a signal.", "`boot` and `run`, which only a signal ends, exit with 0."},
	}
}

func exitCodes(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Exit codes\n\n<!-- Generated from internal/fault; run go generate in cmd/bakelite after a change. -->\n\n" +
		"Each error has one kind, which decides the exit code. The message on stderr says what happened, and a line that begins with `next:` what to do.\n\n" +
		"| Code | What happened | What to do |\n| --- | --- | --- |\n| 0 | The command did what it was asked. | |\n")
	for kind := fault.Kind(0); ; kind++ {
		code := fault.ExitCode(fault.New(kind, "a test's"))
		if code == 0 {
			return b.String()
		}
		meaning, ok := meanings()[kind]
		if !ok {
			t.Errorf("kind %d with exit code %d has no meaning", kind, code)
		}
		fmt.Fprintf(&b, "| %d | %s | %s |\n", code, meaning[0], meaning[1])
	}
}

//go:generate go test -run TestExitCodesAreCurrent . -update

func TestExitCodesAreCurrent(t *testing.T) {
	want := exitCodes(t)
	if *rewrite {
		if err := os.WriteFile(exitCodesFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(exitCodesFile)
	if err != nil || string(got) != want {
		t.Errorf("%s is not current; run go generate in cmd/bakelite: %v", exitCodesFile, err)
	}
}
