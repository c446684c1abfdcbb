//go:build embedprograms

package programs

import "embed"

//go:embed bakelite-service bakelite-tree
var files embed.FS

// Read returns a program that was put into this one.
func Read(name string) ([]byte, error) { return files.ReadFile(name) }
