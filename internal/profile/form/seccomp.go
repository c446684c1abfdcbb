package form

import (
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/profile"
)

// Seccomp is the filter of system calls in the form of the OCI runtime spec,
// which container engines take too: for programs of the machine's own
// architecture, by names alone, so that it is the same for each.
func Seccomp(p profile.Profile) *specs.LinuxSeccomp {
	f := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, DefaultErrnoRet: number(unix.ENOSYS)}
	judged := map[string]bool{}
	var conditional []specs.LinuxSyscall
	for _, d := range p.Denials() {
		for _, call := range d.Calls {
			judged[call] = true
			conditional = append(conditional, denial(call, d)...)
		}
	}
	for _, c := range p.Choices() {
		judged[c.Call] = true
		conditional = append(conditional, choice(c)...)
	}
	free := slices.DeleteFunc(slices.Clone(p.Calls.Allowed), func(call string) bool { return judged[call] })
	f.Syscalls = append([]specs.LinuxSyscall{
		{Names: free, Action: specs.ActAllow},
		{Names: p.Calls.Refused, Action: specs.ActErrno, ErrnoRet: number(unix.EPERM)},
	}, conditional...)
	return f
}

// denial lets a call through where all bits of one condition are clear, and
// refuses each choice of one set bit of every condition: a filter's rules must
// not contradict each other.
func denial(call string, d profile.Denial) []specs.LinuxSyscall {
	var rules []specs.LinuxSyscall
	refused := []map[uint]uint64{{}}
	for _, where := range d.Where {
		rules = append(rules, specs.LinuxSyscall{
			Names: []string{call}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{masked(where.Arg, where.Any, 0)},
		})
		refused = withOneBit(refused, where)
	}
	for _, set := range refused {
		rule := specs.LinuxSyscall{Names: []string{call}, Action: specs.ActErrno, ErrnoRet: number(d.Errno)}
		for arg := range uint(6) { // a system call has no more
			if set[arg] != 0 {
				rule.Args = append(rule.Args, masked(arg, set[arg], set[arg]))
			}
		}
		rules = append(rules, rule)
	}
	return rules
}

// withOneBit adds each bit of a condition to each of the sets.
func withOneBit(sets []map[uint]uint64, where profile.Bits) []map[uint]uint64 {
	var all []map[uint]uint64
	for _, set := range sets {
		for left := where.Any; left != 0; left &= left - 1 {
			more := map[uint]uint64{}
			for arg, bits := range set {
				more[arg] = bits
			}
			more[where.Arg] |= left & -left
			all = append(all, more)
		}
	}
	return all
}

func choice(c profile.Choice) []specs.LinuxSyscall {
	var rules []specs.LinuxSyscall
	for _, value := range c.Allowed {
		rules = append(rules, specs.LinuxSyscall{Names: []string{c.Call}, Action: specs.ActAllow, Args: equal(value)})
	}
	for _, value := range c.Others {
		rules = append(rules, specs.LinuxSyscall{Names: []string{c.Call}, Action: specs.ActErrno, ErrnoRet: number(c.Errno), Args: equal(value)})
	}
	if c.Above != 0 {
		above := []specs.LinuxSeccompArg{{Index: 0, Value: c.Above, Op: specs.OpGreaterEqual}}
		rules = append(rules, specs.LinuxSyscall{Names: []string{c.Call}, Action: specs.ActErrno, ErrnoRet: number(c.Errno), Args: above})
	}
	return rules
}

func equal(value uint64) []specs.LinuxSeccompArg {
	return []specs.LinuxSeccompArg{{Index: 0, Value: value, Op: specs.OpEqualTo}}
}

func masked(arg uint, mask, value uint64) specs.LinuxSeccompArg {
	return specs.LinuxSeccompArg{Index: arg, Value: mask, ValueTwo: value, Op: specs.OpMaskedEqual}
}

func number(e unix.Errno) *uint {
	n := uint(e)
	return &n
}
