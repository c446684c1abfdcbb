// Package gate judges an artifact by what was seen in it and by a policy, and
// is the only place that makes a Passed, the proof that signing and publishing
// ask for. It is pure: it reads no clock, disk or network. It refuses to let
// anything through that no report of that very digest speaks of, whatever the
// policy says. Nothing else of ours imports the VEX library.
package gate
