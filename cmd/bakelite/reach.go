package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/runners/probe"
)

// printReach prints where a port of the service is reached: a URL where the
// app file asks that port for a page, else the address and its protocol.
func printReach(w io.Writer, a app.App, port int, protocol, address string) {
	if protocol == "tcp" && servesPages(a, port) {
		fmt.Fprintf(w, "http://%s/\n", address)
		return
	}
	fmt.Fprintf(w, "%s (port %d/%s)\n", address, port, protocol)
}

func servesPages(a app.App, port int) bool {
	var checks []app.Check
	if h := a.Service.Health; h != nil {
		checks = append(checks, h.Check)
	}
	for _, t := range a.Tests {
		checks = append(checks, t.Check)
	}
	for _, c := range checks {
		if c.HTTP != nil && probe.Port(c, a.Service) == port {
			return true
		}
	}
	return false
}

// readiness is the check that says when the service is up: its health check,
// else a connection to its first TCP port; false where it has neither.
// Commands count only where a program can be run in the artifact.
func readiness(a app.App, commands bool) (app.Test, bool) {
	if h := a.Service.Health; h != nil && (commands || h.Command == nil) {
		return app.Test{Check: h.Check}, true
	}
	for _, p := range a.Service.Ports {
		if p.Protocol == "tcp" {
			return app.Test{Check: app.Check{TCP: &app.TCPCheck{Port: p.Number}}}, true
		}
	}
	return app.Test{}, false
}

// sayWhenReady waits for the check and prints how it ended; a service that is
// not ready goes on, so that one can look at it.
func sayWhenReady(ctx context.Context, w io.Writer, o probe.Options) {
	result := probe.Run(ctx, o)
	switch {
	case result.Passed:
		fmt.Fprintf(w, "%s is healthy after %.1f s: %s\n", o.Artifact, result.Seconds, result.Detail)
	case ctx.Err() == nil && o.Alive() == nil:
		fmt.Fprintf(w, "%s is NOT healthy after %.1f s: %s\n", o.Artifact, result.Seconds, result.Detail)
	}
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
