// Package programs holds the small programs that images carry, that the engine
// runs on root filesystems, or that look at booted machines. `make build` puts
// them into the programs that bake (build tag embedprograms); a plain `go build`
// leaves them out, and then they are read from beside the program that runs.
package programs

// Check is the program that looks at a machine that is booted for a test:
// cmd/bakelite-check, built without cgo.
const Check = "bakelite-check"

// Service is the program of images that starts a service and asks for its
// health: cmd/bakelite-service, built without cgo.
const Service = "bakelite-service"

// Tree works on root filesystems: cmd/bakelite-tree.
const Tree = "bakelite-tree"
