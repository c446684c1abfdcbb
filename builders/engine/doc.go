// Package engine finds, starts and stops BuildKit, and solves build graphs on
// it. It is the one door to BuildKit's client and daemon; the packages that
// describe graphs import client/llb alone. It refuses to run two daemons on
// one state folder.
package engine
