//go:build goexperiment.jsonv2

// Bakelite-scan is the part of Bakelite that reads what nobody trusts. The
// main program starts it, hands it one request on standard input and reads
// one response from standard output, both JSON. It starts itself once more,
// shut in with no network, no privileges and no file but those that the
// request names, and scans there. It refuses arguments, as people use
// `bakelite scan`.
package main

import (
	"fmt"
	"os"

	"github.com/bakelite/bakelite/scan/sandbox"
	"github.com/bakelite/bakelite/scan/trivy"
)

const help = `bakelite-scan reads images and disks for the bakelite program, shut in and
without privileges. It is not meant to be started by hand: use "bakelite scan".

  --version   show the version of the scanner
  --help      show this text
`

func main() {
	switch {
	case sandbox.IsInner():
		os.Exit(sandbox.Inner(os.Stdin, os.Stdout, work))
	case len(os.Args) == 1:
		os.Exit(sandbox.Outer(os.Stdin, os.Stdout, os.Stderr))
	case len(os.Args) == 2 && os.Args[1] == "--version":
		fmt.Println("bakelite-scan with trivy " + trivy.Version)
	case len(os.Args) == 2 && os.Args[1] == "--help":
		fmt.Print(help)
	default:
		fmt.Fprint(os.Stderr, help)
		os.Exit(2)
	}
}
