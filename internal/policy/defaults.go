package policy

import (
	"time"

	"github.com/bakelite/bakelite/internal/units"
)

// Kind is the kind that every policy file states.
const Kind = "Policy"

// Modes of the gate.
const (
	// Enforce publishes nothing that a rule fails.
	Enforce = "enforce"
	// ReportOnly publishes it, and the verdict says so.
	ReportOnly = "report-only"
)

// What build.network may be.
const (
	// Allowed gives a network to steps that ask for one.
	Allowed = "allowed"
	// Forbidden refuses apps with such steps.
	Forbidden = "forbidden"
)

// None is the FailOn that lets findings of every severity through.
const None = "none"

const (
	defaultFailOn    = "high"
	defaultUnknownAs = "medium"
	// defaultDatabaseAge is a week: makers of databases publish several times
	// a day, and a weekly rebuild still passes.
	defaultDatabaseAge = units.Duration(7 * 24 * time.Hour)
	// defaultReportAge is 30 days, the time that FedRAMP and PCI DSS give for
	// what is severe.
	defaultReportAge = units.Duration(30 * 24 * time.Hour)
)

// Default returns the policy in force where no file is given.
func Default() Policy {
	return WithDefaults(Policy{APIVersion: APIVersion, Kind: Kind})
}

// WithDefaults returns p with every key that was left out filled; p stays as
// it was.
func WithDefaults(p Policy) Policy {
	fill(&p.Gate.Mode, Enforce)
	fill(&p.Gate.Vulnerabilities.FailOn, defaultFailOn)
	fill(&p.Gate.Vulnerabilities.UnknownAs, defaultUnknownAs)
	if len(p.Gate.RequiredControls) == 0 {
		p.Gate.RequiredControls = []string{levelOne}
	}
	if len(p.Gate.ForbiddenRights) == 0 {
		p.Gate.ForbiddenRights = asGoodAsRoot()
	}
	fill(&p.Gate.MaxDatabaseAge, defaultDatabaseAge)
	fill(&p.Verify.MaxReportAge, defaultReportAge)
	return p
}

// asGoodAsRoot are the capabilities that give all others, or the files of all
// others (capabilities(7)). A set-uid program was written to be one and asks who
// calls it; what a file gives such a capability to was not.
func asGoodAsRoot() []string {
	return []string{
		"bpf", "chown", "dac_override", "dac_read_search", "fowner", "mac_admin", "mac_override", "mknod",
		"setfcap", "setgid", "setuid", "sys_admin", "sys_module", "sys_ptrace", "sys_rawio",
	}
}

func fill[T comparable](value *T, by T) {
	var zero T
	if *value == zero {
		*value = by
	}
}
