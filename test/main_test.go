// Package test holds the end-to-end tests: they run the program as a user
// does, on the real Debian archive, the real engine, runc and QEMU, and look
// at what it says, makes and leaves behind. They need root, and minutes.
//
// A file's name begins with the flow that it tests and goes on with what is
// particular or goes wrong:
//
//	bake_…      build, up to the receipt: bases, bytes, what is the app's own, the corpus,
//	            several at once, full disks, signals
//	rebuild     the archive's updates
//	publish_…   scan, gate, signatures, registries, channels, and who is killed meanwhile
//	verify_…    what consumers refuse
//	look_…      scan, diff and JSON of what is there
//	run_…, boot_…  what a person starts, and what was tampered with
//	packer      the same disk by packer build, and what interrupts it
//	whole, wrong_input  the whole line, and mistakes of the user's
//
// What a test waits for is an effect, a step by its name in --progress json, or
// what a command says in the end.
//
// What they stand on is package harness, in the folder below.
package test

import (
	"os"
	"testing"

	"github.com/bakelite/bakelite/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
