//go:build !goexperiment.jsonv2

// Testdb needs GOEXPERIMENT=jsonv2 to be built, as Trivy does.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "testdb: build it with GOEXPERIMENT=jsonv2")
	os.Exit(3)
}
