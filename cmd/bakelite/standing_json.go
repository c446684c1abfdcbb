package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/fleet"
)

// standing is one app in outdated --json; docs/json.md describes it.
type standing struct {
	App       string           `json:"app"`
	File      string           `json:"file"`
	Artifact  string           `json:"artifact,omitempty"`
	Lock      string           `json:"lockDigest,omitempty"`
	LockDate  *time.Time       `json:"lockDate,omitempty"`
	Compared  []index          `json:"compared"`
	Error     string           `json:"error,omitempty"`
	Decision  update.Decision  `json:"decision"`
	Changes   []update.Change  `json:"changes"`
	Undecided []string         `json:"undecided,omitempty"`
	Unknown   []update.Unknown `json:"unknown,omitempty"`
	Known     []fleet.Advisory `json:"known,omitempty"`
	Failed    *fleet.Attempt   `json:"lastFailed,omitempty"`
}

// index is one archive's index that a lock was compared with.
type index struct {
	Archive   string    `json:"archive"`
	Suite     string    `json:"suite"`
	InRelease string    `json:"inRelease"`
	Date      time.Time `json:"date"`
}

func standings(stand []fleet.Standing) []standing {
	all := []standing{}
	for _, s := range stand {
		one := standing{
			App: s.App.Name, File: s.App.Path, Artifact: s.Artifact, Compared: indexes(s.Archives), Decision: s.Decision,
			Changes: append([]update.Change{}, s.Changes...), Undecided: s.Undecided, Unknown: s.Unknown, Known: s.Advisories, Failed: s.Failed,
		}
		if s.Err != nil {
			one.Error = s.Err.Error()
		}
		if s.Lock != nil {
			date := s.Lock.Epoch()
			one.Lock, one.LockDate = s.LockDigest, &date
		}
		all = append(all, one)
	}
	return all
}

func indexes(archives []lock.Archive) []index {
	all := []index{}
	for _, a := range archives {
		all = append(all, index{a.Name, a.Suite, a.InRelease, a.Date})
	}
	return all
}

// cell is one job of a GitHub Actions matrix.
type cell struct {
	App    string `json:"app"`
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// printMatrix prints the apps to rebuild as one line for $GITHUB_OUTPUT.
func printMatrix(w io.Writer, stand []fleet.Standing) error {
	cells := []cell{}
	for _, s := range stand {
		if s.Decision.Action == update.Rebuild {
			cells = append(cells, cell{s.App.Name, s.App.Path, s.Decision.Reasons[0]})
		}
	}
	text, err := json.Marshal(map[string]any{"include": cells})
	if err != nil {
		return fmt.Errorf("writing matrix: %w", err)
	}
	_, err = fmt.Fprintf(w, "matrix=%s\n", text)
	return err
}
