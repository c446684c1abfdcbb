package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// step is one step of a command as its progress tells of it.
type step struct {
	name       string
	begin, end time.Time
}

// maxLine bounds a line of progress, in bytes.
const maxLine = 4 << 20

// stepsOf reads what --progress json wrote, in the order in which the steps
// ended; a step that did not end, and what is no progress, is left out.
func stepsOf(log []byte) []step {
	done := map[string]step{}
	lines := bufio.NewScanner(bytes.NewReader(log))
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var update struct {
			Vertexes []struct {
				Digest, Name       string
				Started, Completed *time.Time
			}
		}
		if json.Unmarshal(lines.Bytes(), &update) != nil {
			continue
		}
		for _, v := range update.Vertexes {
			if v.Started != nil && v.Completed != nil {
				done[v.Digest] = step{v.Name, *v.Started, *v.Completed}
			}
		}
	}
	var all []step
	for _, s := range done {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b step) int { return a.end.Compare(b.end) })
	return all
}

// stages are those of a publication.
func stages() []string { return []string{"scan", "sign", "publish"} }

// stage is how long the steps of a stage took; they come one after another.
func stage(all []step, name string) (sum time.Duration) {
	for _, s := range all {
		if strings.HasPrefix(s.name, "["+name+"] ") {
			sum += s.end.Sub(s.begin)
		}
	}
	return sum
}

// signing is how long the gate, the reading of the key and the signing took:
// from the end of the scan to the end of the first signing, and the others. To
// look what was signed before is no part of it.
func signing(all []step) (sum time.Duration) {
	var scanned time.Time
	for _, s := range all {
		switch {
		case strings.HasPrefix(s.name, "[sign] look"):
		case strings.HasPrefix(s.name, "[scan] "):
			scanned = s.end
		case strings.HasPrefix(s.name, "[sign] ") && !scanned.IsZero():
			sum, scanned = sum+s.end.Sub(scanned), time.Time{}
		case strings.HasPrefix(s.name, "[sign] "):
			sum += s.end.Sub(s.begin)
		}
	}
	return sum
}
