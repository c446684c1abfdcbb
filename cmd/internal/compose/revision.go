package compose

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
)

// Commit is the revision that the Go command noted in the program, with "+"
// where the tree was changed, or "".
func Commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	noted := map[string]string{}
	for _, s := range info.Settings {
		noted[s.Key] = s.Value
	}
	if noted["vcs.modified"] == "true" {
		return noted["vcs.revision"] + "+"
	}
	return noted["vcs.revision"]
}

// revision is the commit, or where that does not say it all, this program by
// its size and date.
func revision() string {
	if c := Commit(); c != "" && !strings.HasSuffix(c, "+") {
		return c
	}
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	info, err := os.Stat(self)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
}
