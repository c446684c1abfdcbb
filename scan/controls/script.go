package controls

import (
	"slices"
	"strings"

	"github.com/bakelite/bakelite/templates"
)

// sharedHeader is the first line of the files that several controls make.
const sharedHeader = "# Written by Bakelite from its hardening controls.\n"

// ApplyScript returns a POSIX shell script that applies the controls to the
// tree at $ROOT, as root; templates/controls/apply.sh names its other
// variables. It fails on a tree whose links would lead it astray.
func ApplyScript(cs []Control) string {
	var b strings.Builder
	b.WriteString("set -eu\n" + templates.Text("controls/tree.sh") + templates.Text("controls/apply.sh"))
	for _, f := range sharedFiles(cs) {
		b.WriteString(when(f.where, call("put", f.path, f.mode, f.text())+"\n"))
	}
	for _, c := range cs {
		if calls := applyCalls(c); calls != "" {
			b.WriteString("# " + c.ID + "\n" + when(c.Where, calls))
		}
	}
	return b.String()
}

// CheckScript returns a POSIX shell script that prints a line for each
// control, in the form that ParseResults reads, and changes nothing;
// templates/controls/check.sh names its variables.
func CheckScript(cs []Control) string {
	var b strings.Builder
	b.WriteString("set -eu\n" + templates.Text("controls/tree.sh") + templates.Text("controls/check.sh"))
	// Each check runs in a shell of its own, which may break off.
	b.WriteString("set +e\n")
	for _, c := range cs {
		b.WriteString("note= found=end\n" + unless(c, "found=$(set -e\n"+checkCalls(c)+"echo end)\n") + call("report", c.ID) + " \"$note\" \"$found\"\n")
	}
	return b.String()
}

func applyCalls(c Control) string {
	var b strings.Builder
	for _, s := range c.Sets {
		if k, ok := kindOf(s); ok && k.apply != nil {
			b.WriteString(k.apply(s) + "\n")
		}
	}
	return b.String()
}

func checkCalls(c Control) string {
	var b strings.Builder
	for _, s := range c.Sets {
		if k, ok := kindOf(s); ok {
			b.WriteString(k.check(s) + "\n")
		}
	}
	return b.String()
}

// unless skips a check, with a note, where its control has nothing to do.
func unless(c Control, check string) string {
	if c.Where != "" {
		check = "if present " + quote(c.Where) + "; then\n" + check + "else\nnote=" + quote("nothing to do without "+c.Where) + "\nfi\n"
	}
	if c.ImageOnly {
		check = "if [ -z \"${BOOTED:-}\" ]; then\n" + check + "else\nnote='holds for the image only'\nfi\n"
	}
	return check
}

func when(where, calls string) string {
	if where == "" {
		return calls
	}
	return "if present " + quote(where) + "; then\n" + calls + "fi\n"
}

// sharedFile is a file that several controls make.
type sharedFile struct {
	part
	where string
}

func (f sharedFile) text() string {
	slices.Sort(f.lines)
	return sharedHeader + strings.Join(f.lines, "\n") + "\n"
}

// sharedFiles returns the files that several controls make, sorted by path.
func sharedFiles(cs []Control) []sharedFile {
	var files []sharedFile
	for _, c := range cs {
		for _, s := range c.Sets {
			k, ok := kindOf(s)
			if !ok || k.shared == nil {
				continue
			}
			p := k.shared(s)
			i := slices.IndexFunc(files, func(f sharedFile) bool { return f.path == p.path })
			if i < 0 {
				files = append(files, sharedFile{part{path: p.path, mode: p.mode}, c.Where})
				i = len(files) - 1
			}
			files[i].lines = append(files[i].lines, p.lines...)
		}
	}
	slices.SortFunc(files, func(a, b sharedFile) int { return strings.Compare(a.path, b.path) })
	return files
}

// call writes a command with quoted arguments.
func call(name string, args ...string) string {
	for _, arg := range args {
		name += " " + quote(arg)
	}
	return name
}

func quote(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
