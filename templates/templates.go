// Package templates holds what is data rather than code: scripts of the root
// filesystem, parts of the machine, hardening controls and starters. It
// imports nothing and everybody may read it.
package templates

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"strings"
)

//go:embed controls github hardening host machine policy profile report rootfs schema service starters
var files embed.FS

// Text returns a file of this folder; it panics where there is none, which
// only a defect of this program can cause.
func Text(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Lines returns the lines of a file without empty ones and comments.
func Lines(name string) []string {
	var lines []string
	for line := range strings.Lines(Text(name)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// recipe are the folders that decide an artifact's bytes.
func recipe() []string { return []string{"controls", "machine", "rootfs", "service"} }

// Digest returns "sha256:" and the digest of the recipe: its part of what
// decides an artifact's bytes.
func Digest() string {
	hash := sha256.New()
	for _, folder := range recipe() {
		_ = fs.WalkDir(files, folder, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				_, _ = hash.Write([]byte(name + "\x00" + Text(name) + "\x00"))
			}
			return err
		})
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}
