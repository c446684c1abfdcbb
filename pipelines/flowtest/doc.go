// Package flowtest has the small real things that flows are tested with: a
// repository with a key, layouts and disks, an archive; and Ports, which play
// what needs a process or a machine of its own, note what is asked of them and
// fail where they are told. Only tests import it.
package flowtest
