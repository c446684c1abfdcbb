package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestNothingIsOverwrittenInARace takes the file's place after the check.
func TestNothingIsOverwrittenInARace(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	file := filepath.Join(dir, "app.yaml")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeOne(root, newFile{"app.yaml", []byte("theirs")}); err == nil {
		t.Error("a file was overwritten")
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "mine" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestRenamedKeepsTheCommentsColumn(t *testing.T) {
	tests := map[string]string{
		"a: 1\nname: web   # c\nb: 2\n":        "a: 1\nname: app   # c\nb: 2\n",
		"name: service # c\n":                  "name: app     # c\n",
		"name: x # c\n":                        "name: app # c\n",
		"name: minimal\nbase: {}\n":            "name: app\nbase: {}\n",
		"name: one # c\nx:\n  name: two # d\n": "name: app # c\nx:\n  name: two # d\n",
	}
	for in, want := range tests {
		if got := string(renamed([]byte(in), "app")); got != want {
			t.Errorf("%q became %q, wanted %q", in, got, want)
		}
	}
}
