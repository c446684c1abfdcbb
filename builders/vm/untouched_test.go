package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestUntouched reads the lists of all kernels that are kept, each module
// once, and of what is no list nothing.
func TestUntouched(t *testing.T) {
	parts := t.TempDir()
	one, two := strings.Repeat("1", 64), strings.Repeat("2", 64)
	many := ""
	for i := range maxUntouched {
		many += fmt.Sprintf("%064x\n", 1<<40+i)
	}
	for name, text := range map[string]string{
		"kernel-a/modules": one + "\n" + two + "\n", "kernel-b/modules": two + "\nnone\n" + strings.Repeat("X", 64) + "\n" + one[1:] + "\n",
		"kernel-c/modules": strings.Repeat("a", maxModules) + "\n", "kernel-d/linux": one, "usr-e/modules": strings.Repeat("3", 64) + "\n",
	} {
		path := filepath.Join(parts, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := Untouched(parts); !slices.Equal(got, []string{one, two}) {
		t.Errorf("got %q", got)
	}
	if got := Untouched(filepath.Join(parts, "none")); len(got) != 0 {
		t.Errorf("of nothing: %q", got)
	}
	if err := os.WriteFile(filepath.Join(parts, "kernel-b", "modules"), []byte(many), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Untouched(parts); len(got) != maxUntouched {
		t.Errorf("of too many: %d", len(got))
	}
}
