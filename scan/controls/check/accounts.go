package check

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/tree"
)

// entries reads a file of accounts or groups: its lines by their fields, none
// where there is no file. What is there and no file is a problem.
func (c *checker) entries(name string) [][]string {
	if !c.isRegular(name) {
		if c.present(name) {
			c.say("%s is not a file", name)
		}
		return nil
	}
	var all [][]string
	for _, line := range c.lines(name) {
		all = append(all, strings.Split(line, ":"))
	}
	return all
}

// passwords wants no account that a password, or none, opens.
func (c *checker) passwords(controls.Setting) {
	for _, file := range []string{"/etc/shadow", "/etc/gshadow", "/etc/passwd"} {
		for _, e := range c.entries(file) {
			switch {
			case strings.HasPrefix(e[0], "+"):
				c.say("%s takes entries from elsewhere", file)
			case len(e) < 2 || file == "/etc/passwd" && e[1] == "x" || !controls.OpensAccount(e[1]):
			case e[1] == "":
				c.say("%s has a password for %s, an empty one", file, e[0])
			default:
				c.say("%s has a password for %s", file, e[0])
			}
		}
	}
}

// shells wants no shell for who may not log in, but a program that is there
// and ends, where the tree has one.
func (c *checker) shells(controls.Setting) {
	there := func(name string) bool { return tree.IsFile(c.Tree, name) }
	_, ok := controls.NoShell(there)
	for _, e := range c.entries("/etc/passwd") {
		if len(e) < 2 || controls.KeepsShell(e[0], c.o.Admin) {
			continue
		}
		shell := ""
		if len(e) > 6 {
			shell = e[6]
		}
		switch {
		case !controls.LetsNobodyIn(shell):
			c.say("%s has the login shell %s", e[0], cmp.Or(shell, "/bin/sh")) // passwd(5)
		case ok && !there(shell):
			c.say("%s has %s in the place of a shell, which is not there", e[0], shell)
		}
	}
}

// accounts wants each account and group to have a name and a number of its
// own, and the numbers of root for root alone.
func (c *checker) accounts(controls.Setting) {
	groups := c.unique("/etc/group", "group")
	for _, e := range c.entries("/etc/passwd") {
		if len(e) < 4 || e[0] == "root" || strings.HasPrefix(e[0], "+") {
			continue
		}
		if _, known := groups[e[3]]; !known && len(groups) > 0 {
			c.say("%s is in the group %s, which does not exist", e[0], e[3])
		}
		if isZero(e[3]) {
			c.say("%s is in the group of root", e[0])
		}
	}
	c.unique("/etc/passwd", "account")
	c.names("/etc/shadow", "account")
	c.names("/etc/gshadow", "group")
}

// unique looks at names and numbers, and returns the names by number.
func (c *checker) unique(file, what string) map[string][]string {
	byNumber := map[string][]string{}
	for _, e := range c.names(file, what) {
		number := ""
		if len(e) > 2 {
			number = e[2]
		}
		if _, err := strconv.ParseUint(number, 10, 32); err != nil {
			c.say("the %s %s has no number", what, e[0])
			continue
		}
		if isZero(number) && e[0] != "root" {
			c.say("the %s %s has the number of root", what, e[0])
		}
		number = cmp.Or(strings.TrimLeft(number, "0"), "0")
		byNumber[number] = append(byNumber[number], e[0])
	}
	for _, number := range slices.Sorted(maps.Keys(byNumber)) {
		if names := byNumber[number]; len(names) > 1 {
			c.say("the %ss %s have the number %s", what, strings.Join(names, " and "), number)
		}
	}
	return byNumber
}

// names wants every name once, and returns the entries.
func (c *checker) names(file, what string) [][]string {
	var all [][]string
	seen := map[string]bool{}
	for _, e := range c.entries(file) {
		if e[0] == "" && len(e) == 1 || strings.HasPrefix(e[0], "+") {
			continue
		}
		if seen[e[0]] {
			c.say("%s has two %ss with the name %s", file, what, e[0])
		}
		seen[e[0]] = true
		all = append(all, e)
	}
	return all
}

func isZero(number string) bool { return number != "" && strings.Trim(number, "0") == "" }
