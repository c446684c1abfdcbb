package show

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/plain"
)

const (
	defaultWidth = 100
	// least is the width below which no column is shrunk, and gap is what
	// stands between two columns.
	least = 6
	gap   = "  "
)

// Options says how reports are shown; the zero value is good for a file.
type Options struct {
	// Width bounds the lines, in characters; 0 means 100.
	Width int
	// App is the app's name, where it is known.
	App string
	// Refs are the references of artifacts by digest, for machines to find
	// them again; an artifact without one is named by kind and digest.
	Refs map[string]string
	// Checks are shown by SARIF, a run for each, after the reports.
	Checks []Checks
}

func (o Options) width() int {
	if o.Width <= 0 {
		return defaultWidth
	}
	return o.Width
}

// ref names an artifact.
func (o Options) ref(kind, digest string) string {
	if ref := o.Refs[digest]; ref != "" {
		return ref
	}
	return strings.TrimSpace(o.App + " " + kind + " " + digest)
}

// clean makes a text of scanned content safe for a terminal: one line, and no
// sign that moves the cursor, changes colours or turns the direction.
func clean(s string) string { return plain.Line(s) }

// short cuts a text to at most width characters.
func short(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	if width < 1 {
		return ""
	}
	return string([]rune(s)[:width-1]) + "…"
}

// grid writes rows in columns that are aligned and together no wider than
// width, shrinking the widest ones and the one that identifies a row last; the
// first row is the heading.
func grid(b *strings.Builder, rows [][]string, width, identifies int) {
	if len(rows) == 0 {
		return
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			row[i] = clean(cell)
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	shrink(widths, width-len(gap)*(len(widths)-1), identifies)
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			cell = short(cell, widths[i])
			line.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)) + gap)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// shrink takes from the widest columns until they fit, from the last of them
// first, and from the kept one where the others have nothing left to give.
func shrink(widths []int, room, kept int) {
	for {
		total, widest := 0, kept
		for i, w := range widths {
			total += w
			if i != kept && w > least && (widest == kept || w >= widths[widest]) {
				widest = i
			}
		}
		if total <= room || widths[widest] <= least {
			return
		}
		widths[widest]--
	}
}

func writeText(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fault.As(fault.Build, fmt.Errorf("writing result: %w", err))
	}
	return nil
}
