// Package shell writes words for POSIX shells.
package shell

import "strings"

// Quote makes one word of a shell of any text without NUL.
func Quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
