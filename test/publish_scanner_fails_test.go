package test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/test/harness"
)

// TestScannerTrouble publishes with a scanner that does not do its work.
func TestScannerTrouble(t *testing.T) {
	s := harness.OpenShop(t)
	for name, tt := range map[string]struct {
		script string
		code   int
		texts  []string
	}{
		"it fails":            {"#!/bin/sh\necho broken pipe of dreams >&2\nexit 1\n", 1, []string{"scanner ended with exit code 1", "broken pipe of dreams"}},
		"it is killed":        {"#!/bin/sh\nkill -9 $$\n", 1, []string{"scanner"}},
		"it says nothing":     {"#!/bin/sh\ncat >/dev/null\n", 1, []string{"scanner's answer"}},
		"it talks nonsense":   {"#!/bin/sh\necho all is well\n", 1, []string{"scanner's answer"}},
		"it gives no results": {"#!/bin/sh\necho '{}'\n", 1, []string{"the scanner"}},
		"it is no program":    {"\x00\x01", 3, []string{"starting bakelite-scan"}},
		"it is not there":     {"", 3, []string{"bakelite-scan", "next:"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.T = t
			dir := harness.Folder(t)
			s.Binary = filepath.Join(dir, "bakelite")
			for _, name := range []string{"bakelite", "bakelite-check", "bakelite-service", "bakelite-tree"} {
				if err := os.Link(filepath.Join(harness.Here.Dir, name), filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			if tt.script != "" {
				if err := os.WriteFile(filepath.Join(dir, "bakelite-scan"), []byte(tt.script), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			shelf := registry.LayoutPrefix + filepath.Join(dir, "shelf")
			s.Publish("--registry", shelf).Want(t, tt.code, tt.texts...)
			harness.Absent(t, shelf)
		})
	}
	harness.LeavesNothing(t)
}
