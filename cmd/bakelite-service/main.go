// Bakelite-service is the small program that images carry beside the service.
// "start" begins the service: it looks for the secrets and settings that the
// service needs, prepares its state where that is new, and becomes the service.
// "http" and "tcp" ask the service whether it is healthy. It runs as the
// service's user and under the service's limits, reads no configuration but its
// arguments, and uses the system's calls alone, for its size is part of every
// image. Package builders/container and the machine's unit write its arguments.
package main

import "syscall"

// The exit codes; 78 is that of sysexits.h for a configuration error, on which
// the machine does not start the service again.
const (
	exitUnhealthy = 1
	exitUsage     = 2
	exitConfig    = 78
)

func main() {
	words := arguments()
	if len(words) < 2 {
		fail(exitUsage, "start, http or tcp")
	}
	switch words[1] {
	case "start":
		start(words[2:])
	case "http":
		askPage(words[2:])
	case "tcp":
		askPort(words[2:])
	default:
		fail(exitUsage, "unknown word "+words[1])
	}
}

// fail says why on standard error, and ends.
func fail(code int, why string) {
	say(why)
	syscall.Exit(code)
}

func say(what string) { _, _ = syscall.Write(2, []byte("bakelite: "+what+"\n")) }
