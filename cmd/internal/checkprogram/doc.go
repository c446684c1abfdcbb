// Package checkprogram holds the program bakelite-check, which looks at booted
// machines. `make build` puts it into the programs that bake (build tag
// embedcheck); a plain `go build` leaves it out, and then it is read from
// beside the program that runs. Only package compose may import it.
package checkprogram

// name is the program's file.
const name = "bakelite-check"
