package profile

import "math"

// Unlimited is RLIM_INFINITY.
const Unlimited = math.MaxUint64

// stack is the kernel's own soft limit, in bytes.
const stack = 8 << 20

// Limit bounds a resource of one process (setrlimit(2)).
type Limit struct {
	// Name is that of RLIMIT_NAME and of a unit's LimitNAME=.
	Name       string
	Soft, Hard uint64
}

// Limits are stated whole: what is left out comes from whoever starts the
// service. Processes, signals and messages are counted for all of a user's, and
// bounded otherwise.
func (p Profile) Limits() []Limit {
	return []Limit{
		{"AS", Unlimited, Unlimited},
		{"CORE", 0, 0},
		{"CPU", Unlimited, Unlimited},
		{"DATA", Unlimited, Unlimited},
		{"FSIZE", Unlimited, Unlimited},
		{"LOCKS", Unlimited, Unlimited},
		{"MEMLOCK", p.LockedMemory, p.LockedMemory},
		{"NICE", 0, 0},
		{"NOFILE", p.OpenFiles, p.OpenFiles},
		{"RTPRIO", 0, 0},
		{"STACK", stack, Unlimited},
	}
}
