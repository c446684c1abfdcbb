// Package runlog keeps the whole log of a run beside what the run made. It is a
// leaf of the commands.
package runlog

import (
	"os"
	"path/filepath"
	"sync"

	"github.com/bakelite/bakelite/internal/flock"
)

// Log is the log of one run of an app, whose user alone may read it. It lies
// under a hidden name until Close; a run that writes nothing has none.
type Log struct {
	dir, app string
	mu       sync.Mutex
	file     *os.File
	failed   error
}

// New returns the log of a run whose results are in the folder dir.
func New(dir, app string) *Log { return &Log{dir: dir, app: app} }

// Write makes the file at the first call. Where one fails so do all that
// follow, and the run goes on without them.
func (l *Log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil && l.file == nil {
		l.failed = l.openFile()
	}
	if l.failed != nil {
		return 0, l.failed
	}
	n, err := l.file.Write(text)
	l.failed = err
	return n, err
}

func (l *Log) openFile() error {
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return err
	}
	l.removeDead()
	f, err := os.CreateTemp(l.dir, l.hidden())
	if err != nil {
		return err
	}
	l.file = f
	_, err = flock.Try(f, flock.Exclusive) // it tells that the run lives
	return err
}

func (l *Log) hidden() string { return "." + l.app + ".log-*" }

// removeDead removes what killed runs left.
func (l *Log) removeDead() {
	left, _ := filepath.Glob(filepath.Join(l.dir, l.hidden())) // the pattern is well formed
	for _, path := range left {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		if free, err := flock.Try(f, flock.Exclusive); free && err == nil {
			_ = os.Remove(path)
		}
		_ = f.Close()
	}
}

// Path is the log's name after Close.
func (l *Log) Path() string { return filepath.Join(l.dir, l.app+".log") }

// Close gives the log its name and says whether there is one; that of the run
// before is replaced.
func (l *Log) Close() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return false
	}
	err := os.Rename(l.file.Name(), l.Path())
	_ = l.file.Close()
	return err == nil
}
