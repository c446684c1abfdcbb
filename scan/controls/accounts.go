package controls

import "strings"

// OpensAccount says whether the password field of an account file lets
// somebody in: it is empty, or a hash. An account that is locked begins with
// "!" or "*"; "!*" is how systemd writes a password that was never set. A hash
// after that can be unlocked.
func OpensAccount(password string) bool {
	return !strings.HasPrefix(password, "!") && !strings.HasPrefix(password, "*") || strings.Contains(password, "$")
}

// NoShell returns the program that accounts of a tree have in the place of a
// shell, and whether it is there: the first of those that are.
func NoShell(there func(path string) bool) (shell string, ok bool) {
	for _, shell := range []string{"/usr/sbin/nologin", "/usr/bin/false"} {
		if there(shell) {
			return shell, true
		}
	}
	return "/usr/sbin/nologin", false
}

// LetsNobodyIn says whether a shell of an account file is none.
func LetsNobodyIn(shell string) bool {
	shell = strings.TrimPrefix(shell, "/usr")
	return shell == "/sbin/nologin" || shell == "/bin/false"
}

// KeepsShell says whether an account may log in: the administrator, and root
// where there is one.
func KeepsShell(name, admin string) bool {
	return admin != "" && (name == admin || name == "root")
}
