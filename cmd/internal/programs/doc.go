// Package programs holds the small programs that images carry. `make build` puts
// them into the programs that bake (build tag embedprograms); a plain `go build`
// leaves them out, and then they are read from beside the program that runs.
package programs

// Service is the program of images that starts a service and asks for its
// health: cmd/bakelite-service, built without cgo.
const Service = "bakelite-service"
