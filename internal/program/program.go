// Package program starts every external program that Bakelite needs: with a
// deadline, a clean environment, its own process group and bounded captured
// output, and killed with its group when the context ends. It refuses to pass
// on the caller's environment, to search the caller's PATH, and to outlive
// its context.
package program

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
)

// DefaultLimit is the number of bytes kept of each output stream where a
// Command sets none: the newest 1 MiB.
const DefaultLimit = 1 << 20

// searchPath is where programs are looked for, and the PATH that they get.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Command is a program to start; only Path must be set.
type Command struct {
	// Path is the program's file, as Find returns it.
	Path string
	// Args are the arguments after the program's name.
	Args []string
	// Dir is the working directory, "/" by default.
	Dir string
	// Env adds variables to PATH and LANG, as "NAME=value".
	Env []string
	// Stdin is read by the program; nil is an empty input.
	Stdin io.Reader
	// Stdout and Stderr, where set, see the streams as they come.
	Stdout, Stderr io.Writer
	// Files become file descriptors 3 and up.
	Files []*os.File
	// Timeout ends the program; zero leaves that to the context.
	Timeout time.Duration
	// Grace is the time between SIGTERM and SIGKILL when the context ends;
	// zero kills at once.
	Grace time.Duration
	// Limit is the number of bytes kept of each stream; DefaultLimit if zero.
	Limit int
	// Outlive keeps the program when this one dies; else the kernel ends it.
	Outlive bool
}

// Result is what a program left behind.
type Result struct {
	// Stdout and Stderr are the newest bytes of each stream.
	Stdout, Stderr []byte
	// Exit is the exit code, or 128 plus the number of the fatal signal.
	Exit int
	// Truncated is set where older output was dropped.
	Truncated bool
}

// Find returns the file of the program called name, or a fault.Missing error
// with the given hint.
func Find(name, hint string) (string, error) {
	for _, dir := range filepath.SplitList(searchPath) {
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fault.Hint(fault.New(fault.Missing, "%s is not installed", name), "%s", hint)
}

// Run starts c and waits for its end. An exit code other than 0 is an
// *ExitError, an ended context or timeout is the context's error.
func Run(ctx context.Context, c Command) (Result, error) {
	p, err := Start(ctx, c)
	if err != nil {
		return Result{}, err
	}
	return p.Wait()
}
