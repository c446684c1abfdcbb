package apply

import (
	"strings"

	"github.com/bakelite/bakelite/scan/controls"
)

// noPassword locks the accounts that a password, or none, opens.
func (w *work) noPassword(controls.Setting) error {
	for _, file := range []struct{ name, locked string }{{"/etc/shadow", "!*"}, {"/etc/gshadow", "!*"}, {"/etc/passwd", "x"}} {
		ok, err := w.plain(file.name)
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

// noLogin takes the shells of all but those who may log in.
func (w *work) noLogin(controls.Setting) error {
	ok, err := w.plain("/etc/passwd")
	if err != nil || !ok {
		return err
	}
	return w.rewrite("/etc/passwd", func(lines []string) []string {
		for i, line := range lines {
			fields := strings.Split(line, ":")
			if len(fields) < 2 || controls.KeepsShell(fields[0], w.o.Admin) {
				continue
			}
			for len(fields) <= shellField {
				fields = append(fields, "")
			}
			if !controls.LetsNobodyIn(fields[shellField]) {
				fields[shellField] = "/usr/sbin/nologin"
				lines[i] = strings.Join(fields, ":")
			}
		}
		return lines
	})
}

// words sets keys of a file with a key and a value on each line; the last
// counts for who reads it.
func (w *work) words(s controls.Setting) error {
	ok, err := w.plain(s.Path)
	if err == nil && !ok {
		err = w.fill(s.Path, 0o644, 0, 0, nil)
	}
	if err != nil {
		return err
	}
	for _, pair := range controls.Pairs(s.Values, "\t") {
		if err := w.rewrite(s.Path, func(lines []string) []string { return withKey(lines, pair) }); err != nil {
			return err
		}
	}
	return nil
}

func withKey(lines []string, pair string) []string {
	key, _, _ := strings.Cut(pair, "\t")
	var kept []string
	done := false
	for _, line := range lines {
		if fields := strings.Fields(line); len(fields) == 0 || fields[0] != key {
			kept = append(kept, line)
		} else if !done {
			kept, done = append(kept, pair), true
		}
	}
	if !done {
		kept = append(kept, pair)
	}
	return kept
}
