// Bakelite-check looks at a machine that was booted for a test, from a drive of
// its own: nothing of what it judges answers for itself. Its only argument is
// the file of its order, and it prints one record of the machine's report.
// People use `bakelite check`.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"

	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/scan/controls/check"
	"github.com/bakelite/bakelite/scan/controls/probe"
	"github.com/bakelite/bakelite/scan/tree"
)

// maxOrder bounds the order, in bytes: the records of the controls.
const maxOrder = 4 << 20

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, `bakelite-check looks at machines that the bakelite program boots for a test; use "bakelite check"`)
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "bakelite-check:", err)
		os.Exit(1)
	}
}

func run(name string) error {
	text, err := regular.ReadFile(name, maxOrder)
	if err != nil {
		return err
	}
	order, err := check.DecodeOrder(text)
	if err != nil {
		return err
	}
	// What the first process sees, whatever this one's root is.
	machine, err := tree.OpenFolder("/proc/1/root")
	if err != nil {
		return err
	}
	defer machine.Close()
	order.Options.Try, order.Options.Attempt = probe.Module, probe.Attempt
	results, err := check.Tree(context.Background(), check.Subject{Tree: machine, Running: true}, order.Controls, order.Options)
	if err != nil {
		return err
	}
	answer, err := json.Marshal(results)
	if err != nil {
		return err
	}
	_, err = fmt.Printf("bakelite controls %s\n", base64.StdEncoding.EncodeToString(answer))
	return err
}
