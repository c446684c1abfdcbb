// Package treeprogram holds the program bakelite-tree, which the engine runs on
// root filesystems. `make build` puts it into the programs that bake (build tag
// embedtree); a plain `go build` leaves it out, and then it is read from beside
// the program that runs. Only package compose may import it.
package treeprogram

// name is the program's file.
const name = "bakelite-tree"
