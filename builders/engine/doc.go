// Package engine finds, starts and stops BuildKit, and solves build graphs on
// it. It is the one door to BuildKit's client and daemon; the packages that
// describe graphs import client/llb alone. It refuses to run two daemons on
// one state folder, and a daemon that it starts gets no key or token of the
// command that starts it.
//
//	find.go, docker.go    an engine that runs already
//	own.go, rootless.go   an own one, as root or as an ordinary user
//	daemon.go, worker.go  what that one is; confine.go keeps it apart
//	socket.go, idle.go, cgroup.go, stop.go  how it is met, ends and is cleaned up after
//	solve.go              one graph on an engine
//	errors.go, missing.go what people are told when it fails
package engine
