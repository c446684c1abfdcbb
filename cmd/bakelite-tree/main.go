// Bakelite-tree works on root filesystems, as a step of a build graph: it reads
// one request from the file that its only argument names and does what that
// says. Its output is for the person who builds; what the app file has wrong
// is a line of its own, by which the engine's errors are read. People use
// `bakelite build`.
package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree"
	"github.com/bakelite/bakelite/internal/limit"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, `bakelite-tree works on root filesystems for the bakelite program; use "bakelite build"`)
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		var wrong *tree.Mistake
		if errors.As(err, &wrong) {
			fmt.Println(wrong.Line())
		} else {
			fmt.Println("bakelite-tree:", err)
		}
		os.Exit(1)
	}
}

func run(name string) error {
	unix.Umask(0o022)
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := limit.ReadAll(f, tree.MaxRequest, "the request")
	if err != nil {
		return err
	}
	request, err := tree.Decode(text)
	if err != nil {
		return err
	}
	return tree.Run(request, tree.Options{Say: os.Stdout, Harden: harden})
}
