package tree

import (
	"bytes"
	"io/fs"
	"strings"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

const (
	// headBytes is how much of a script's first line the kernel reads
	// (BINPRM_BUF_SIZE).
	headBytes  = 256
	anyExecute = 0o111
)

// runnable checks that the service's program, and the one that its first line
// names, are in the tree.
func (w *work) runnable() error {
	if w.Runnable == "" {
		return nil
	}
	const key = "service.command[0]"
	place, info, err := w.executable(w.Runnable)
	if err != nil {
		return err
	}
	named := w.Runnable
	if "/"+place != named {
		named += ", by links " + shown(place) + ","
	}
	if info == nil {
		return mistake(key, "put it there by files, or name its package under packages", "%s is not in the %s", named, w.Kind)
	}
	if info.Mode().Perm()&anyExecute == 0 {
		return mistake(key, `give it mode: "0755" under files`, "%s is a file that cannot be executed", w.Runnable)
	}
	head, err := w.tree.Head(place, headBytes)
	if err != nil {
		return err
	}
	if err := lineEnds(key, w.Runnable, head); err != nil {
		return err
	}
	interpreter := interpreterOf(head)
	if interpreter == "" {
		return nil
	}
	_, info, err = w.executable(interpreter)
	if info == nil && err == nil {
		return mistake(key, "name its package under packages, or set container.shell: true",
			"%s, which %s names in its first line, is not in the %s", treefs.Show(interpreter), w.Runnable, w.Kind)
	}
	return err
}

// executable returns where a path leads, and nil where that is no file.
func (w *work) executable(name string) (string, fs.FileInfo, error) {
	place, err := w.tree.Resolve(name)
	if err != nil {
		return "", nil, err
	}
	info, err := w.tree.Lstat(place)
	if info != nil && !info.Mode().IsRegular() {
		info = nil
	}
	return place, info, err
}

// interpreterOf returns the program that a script's first line names, "" for
// what is no script.
func interpreterOf(head []byte) string {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	rest, script := bytes.CutPrefix(line, []byte("#!"))
	if !script {
		return ""
	}
	rest = bytes.TrimLeft(rest, " \t")
	if end := bytes.IndexAny(rest, " \t"); end >= 0 {
		rest = rest[:end]
	}
	return string(rest)
}

// lineEnds refuses a script whose first line ends as on Windows: the kernel
// would look for an interpreter with that end in its name.
func lineEnds(key, name string, head []byte) error {
	line, _, whole := bytes.Cut(head, []byte("\n"))
	if !whole || !strings.HasPrefix(string(line), "#!") || !bytes.HasSuffix(line, []byte("\r")) {
		return nil
	}
	return mistake(key, "give it line ends of Unix (LF), for example with dos2unix", "the first line of the script %s ends with CRLF, so that no interpreter is found", treefs.Show(name))
}
