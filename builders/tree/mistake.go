package tree

import (
	"fmt"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// MistakeMark begins the line that says what the app file has wrong; the
// engine's errors are read by it.
const MistakeMark = "app file: "

// Mistake is what only the tree can tell to be wrong in an app file.
type Mistake struct {
	// Key is that of the app file: "files[1].owner".
	Key string
	// What says what is wrong, Remedy what to do.
	What, Remedy string
}

func (m *Mistake) Error() string { return m.Key + ": " + m.What }

// Line is the mistake in the form that the engine's errors are read from.
func (m *Mistake) Line() string { return MistakeMark + m.Error() + "; next: " + m.Remedy }

func mistake(key, remedy, format string, args ...any) error {
	return &Mistake{key, fmt.Sprintf(format, args...), remedy}
}

// shown is a place in the tree for a message, as it is in the image.
func shown(place string) string { return treefs.Show("/" + place) }
