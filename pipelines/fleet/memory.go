package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/vouch"
)

const (
	// maxMemory bounds the file of what earlier looks found, in bytes: 300 for
	// each app, and 150 for each known vulnerability of a version.
	maxMemory = 128 << 20
	// memoryKept is how long something stays in it that no look met again.
	memoryKept = 400 * 24 * time.Hour
)

// memory is what earlier looks found. It is kept in the state folder, can be
// lost at any time, and then errs on the strict side: what is unknown is so
// from now on, and a lock is as old as its date.
type memory struct {
	// Unknown is since when something could not be read, by what it is.
	Unknown map[string]time.Time `json:"unknown"`
	// Current is when a lock was found to be current, by its digest.
	Current map[string]time.Time `json:"current"`
	// Known are the vulnerabilities of each version, by name and version.
	Known map[string]known `json:"known"`
	// Failed are the last attempts to rebuild an app that failed, by the
	// app's file.
	Failed map[string]Attempt `json:"failed"`
	// Told is when somebody was told of an event, by its ID.
	Told map[string]time.Time `json:"told"`
}

// known is what was known of one version of a package.
type known struct {
	// Seen is when it was last looked for.
	Seen time.Time `json:"seen"`
	// Since is when each advisory was first seen, the zero time for those that
	// were there at the first look; Fixed is the same of its fix.
	Since map[string]time.Time `json:"since"`
	Fixed map[string]time.Time `json:"fixed"`
}

// Attempt is a rebuild that failed.
type Attempt struct {
	At  time.Time `json:"at"`
	Why string    `json:"why"`
}

func (f Fleet) memoryPath() string { return filepath.Join(f.State, "fleet", "memory.json") }

// recall reads what earlier looks found; what cannot be read, or what others
// wrote, is forgotten.
func (f Fleet) recall() memory {
	m := memory{}
	if text, err := f.Folder.Vouch.ReadFile(vouch.Memory, f.memoryPath(), maxMemory); err == nil && json.Unmarshal(text, &m) != nil {
		m = memory{}
	}
	for _, of := range []*map[string]time.Time{&m.Unknown, &m.Current, &m.Told} {
		if *of == nil {
			*of = map[string]time.Time{}
		}
	}
	if m.Known == nil {
		m.Known = map[string]known{}
	}
	if m.Failed == nil {
		m.Failed = map[string]Attempt{}
	}
	return m
}

// remember changes what the next look is told, one process at a time.
func (f Fleet) remember(change func(*memory)) error {
	path := f.memoryPath()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fault.As(fault.Invalid, fmt.Errorf("remembering what was found: %w", err))
	}
	turn, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fault.As(fault.Invalid, fmt.Errorf("remembering what was found: %w", err))
	}
	defer turn.Close()
	if err := unix.Flock(int(turn.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("remembering what was found: %w", err)
	}
	m := f.recall()
	change(&m)
	m.forget(f.Now().Add(-memoryKept))
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("remembering what was found: %w", err)
	}
	if old, err := f.Folder.Vouch.ReadFile(vouch.Memory, path, maxMemory); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := f.Folder.Vouch.WriteFile(vouch.Memory, path, text, 0o600); err != nil {
		return fmt.Errorf("remembering what was found: %w", err)
	}
	return nil
}

// forget drops what is older than a time.
func (m *memory) forget(before time.Time) {
	for _, of := range []map[string]time.Time{m.Current, m.Told} {
		maps.DeleteFunc(of, func(_ string, at time.Time) bool { return at.Before(before) })
	}
	for version, k := range m.Known {
		if k.Seen.Before(before) {
			delete(m.Known, version)
		}
	}
	for app, a := range m.Failed {
		if a.At.Before(before) {
			delete(m.Failed, app)
		}
	}
}
