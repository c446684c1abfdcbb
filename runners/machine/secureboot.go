package machine

import (
	"fmt"

	"github.com/bakelite/bakelite/runners/probe"
)

// secureBootOn is what the report says of a machine whose firmware enforces
// Secure Boot: the last byte of the variable SecureBoot (UEFI 2.10, 3.3).
const secureBootOn = "1"

// judgeSecureBoot makes the result of a machine that was booted with
// Options.SecureBoot from what its report says of the firmware's variable.
func judgeSecureBoot(seen string) probe.Result {
	r := result("Secure Boot is enforced", 0)
	r.Passed = seen == secureBootOn
	switch {
	case r.Passed:
		r.Detail = "the firmware checked the disk's signature"
	case seen == "":
		r.Detail = "the machine shows no firmware variable SecureBoot"
	default:
		r.Detail = fmt.Sprintf("saw the firmware variable SecureBoot at %q, wanted %q", seen, secureBootOn)
	}
	return r
}
