package tree

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// Whiteout begins names by which layers of images say that something is gone
// (image-spec, layer.md).
const Whiteout = ".wh."

// Hidden are the folders of which nothing is seen when an image runs: they are
// filled or emptied then, or lie elsewhere.
func Hidden() []string { return []string{"boot", "dev", "proc", "run", "sys", "tmp", "var/tmp"} }

// badName says what is wrong with a name, "" for nothing.
func badName(name string) string {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, Whiteout) {
			return fmt.Sprintf("its name begins with %s, by which images say that something was removed", Whiteout)
		}
	}
	if !utf8.ValidString(name) {
		return "its name is not UTF-8, the one encoding that images have"
	}
	return ""
}

// below says which of the folders a place lies in, "" for none.
func below(place string, folders []string) string {
	i := slices.IndexFunc(folders, func(f string) bool { return strings.HasPrefix(place, f+"/") })
	if i < 0 {
		return ""
	}
	return folders[i]
}

// hiddenBy says why a place is not seen when the image runs, "" where it is.
// The service's folders and those above them are no loss: they are mounted on.
func (w *work) hiddenBy(place string) string {
	f := below(place, Hidden())
	if f == "" || slices.ContainsFunc(w.folders, func(own string) bool { return place == own || strings.HasPrefix(own, place+"/") }) {
		return ""
	}
	return fmt.Sprintf("/%s is filled or emptied when the image runs", f)
}

// allowed refuses a place where an entry of the app file would be lost.
func (p putting) allowed(place string) error {
	path := shown(place)
	if bad := badName(place); bad != "" {
		return mistake(p.Key, "rename it", "%s cannot be put into an image: %s", path, bad)
	}
	if f := below(place, p.Apart); f != "" {
		return mistake(p.Key+".to", "name that path itself", "%s leads by links to %s", p.To, path)
	}
	if why := p.hiddenBy(place); why != "" {
		return mistake(p.Key+".to", "put it elsewhere, and let the service copy it where it starts", "%s would be lost: %s", path, why)
	}
	return nil
}

// judge looks at all that others changed in the tree: names that no image can
// hold are mistakes, and what would be lost goes and is said to.
func (w *work) judge() error {
	if w.Own == "" && !w.Packages {
		return nil
	}
	w.own = map[string]bool{}
	noted := w.noteNames()
	var lost []loss
	err := w.tree.Compare(w.before, func(e *treefs.Entry, before *unix.Stat_t) error {
		noted(e)
		if before != nil && same(&e.Stat, before) {
			return nil
		}
		if bad := badName(e.Path); bad != "" {
			return w.unfit(e.Path, bad)
		}
		if w.Own == "" {
			return nil
		}
		if before == nil || !e.IsDir() {
			w.own[e.Path] = true
		}
		if why := w.lost(e, before); why != "" {
			lost = append(lost, loss{e.Path, why})
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.leaveOut(lost)
}

func (w *work) unfit(place, why string) error {
	if w.Own == "" {
		return fmt.Errorf("a package holds %s: %s", shown(place), why)
	}
	return mistake(w.Own, "name it otherwise, or remove it in the end", "%s was made, which cannot be put into an image: %s", shown(place), why)
}

// lost says why something that was made is not in any image, "" where it is.
func (w *work) lost(e *treefs.Entry, before *unix.Stat_t) string {
	switch {
	case e.Type() == unix.S_IFSOCK:
		return "images hold no sockets"
	case before != nil:
		return ""
	}
	return w.hiddenBy(e.Path)
}

// same says whether nothing was done to an entry that would show.
func same(a, b *unix.Stat_t) bool {
	return a.Mode == b.Mode && a.Uid == b.Uid && a.Gid == b.Gid && a.Size == b.Size && a.Mtim == b.Mtim && a.Rdev == b.Rdev
}

// loss is something that was made and is left out.
type loss struct{ place, why string }

// leaveOut removes what would be lost and says so.
func (w *work) leaveOut(all []loss) error {
	for _, l := range all {
		if err := w.tree.RemoveAll(l.place); err != nil {
			return err
		}
		w.leftOut("%s: %s", shown(l.place), l.why)
	}
	return nil
}

// maxSaid bounds the lines about what is left out.
const maxSaid = 10

// leftOut says what is left out, or counts it where much was said already.
func (w *work) leftOut(format string, args ...any) {
	if w.said++; w.said <= maxSaid {
		fmt.Fprintf(w.Say, "left out: "+format+"\n", args...)
	}
}

func (w *work) sayMore() {
	if more := w.said - maxSaid; more > 0 {
		fmt.Fprintf(w.Say, "left out: %d more\n", more)
	}
}
