package apply

import (
	"strings"

	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/tree"
)

// noPassword locks the accounts that a password, or none, opens.
func (w *work) noPassword(controls.Setting) error {
	for _, file := range []struct{ name, locked string }{{"/etc/shadow", "!*"}, {"/etc/gshadow", "!*"}, {"/etc/passwd", "x"}} {
		ok, err := w.isRegular(file.name)
		if err == nil && ok {
			err = w.rewrite(file.name, func(lines []string) []string { return locked(lines, file.locked) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// locked is the text of an account file with nobody's password in it. Lines
// that take entries from elsewhere are left out.
func locked(lines []string, mark string) []string {
	var kept []string
	for _, line := range lines {
		if strings.HasPrefix(line, "+") {
			continue
		}
		fields := strings.Split(line, ":")
		if len(fields) > 1 && !(mark == "x" && fields[1] == "x") && controls.OpensAccount(fields[1]) {
			fields[1] = mark
		}
		kept = append(kept, strings.Join(fields, ":"))
	}
	return kept
}

// shellField is the place of the shell in /etc/passwd (passwd(5)).
const shellField = 6

// noLogin takes the shells of all but those who may log in, and puts one that
// is there in the place of one that is not.
func (w *work) noLogin(controls.Setting) error {
	ok, err := w.isRegular("/etc/passwd")
	if err != nil || !ok {
		return err
	}
	none, ok := controls.NoShell(w.there)
	return w.rewrite("/etc/passwd", func(lines []string) []string {
		for i, line := range lines {
			fields := strings.Split(line, ":")
			if len(fields) < 2 || controls.KeepsShell(fields[0], w.o.Admin) {
				continue
			}
			for len(fields) <= shellField {
				fields = append(fields, "")
			}
			if !controls.LetsNobodyIn(fields[shellField]) || ok && !w.there(fields[shellField]) {
				fields[shellField] = none
				lines[i] = strings.Join(fields, ":")
			}
		}
		return lines
	})
}

// there says whether a path leads to a file of the tree.
func (w *work) there(name string) bool { return tree.IsFile(w.tree, name) }
