// Package programs holds the small programs that images carry, or that the
// engine runs on root filesystems. `make build` puts
// them into the programs that bake (build tag embedprograms); a plain `go build`
// leaves them out, and then they are read from beside the program that runs.
package programs

// Service is the program of images that starts a service and asks for its
// health: cmd/bakelite-service, built without cgo.
const Service = "bakelite-service"

// Tree works on root filesystems: cmd/bakelite-tree.
const Tree = "bakelite-tree"
