//go:build !goexperiment.jsonv2

// Bakelite-scan needs GOEXPERIMENT=jsonv2 to be built, as Trivy does.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bakelite-scan was built without GOEXPERIMENT=jsonv2 and cannot scan")
	os.Exit(3)
}
