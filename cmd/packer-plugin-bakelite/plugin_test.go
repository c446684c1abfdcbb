package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bakelite/bakelite/builders/vm"
	"github.com/bakelite/bakelite/internal/fault"
)

func TestPackerVersion(t *testing.T) {
	for v, want := range map[string]string{
		"1.2.3": "1.2.3", "v1.2.3": "1.2.3", "0.1.0-dev": "0.1.0-dev", "v0.1.0-3-g8a432ea-dirty": "0.1.0-dev",
		"1.2.3-rc1": "1.2.3-dev", "1.2.3+build": "1.2.3-dev", "8a432ea": "0.0.0-dev", "unknown": "0.0.0-dev", "": "0.0.0-dev",
		"1.2": "0.0.0-dev", "1.2.3.4": "0.0.0-dev", "01.2.3": "0.0.0-dev", "1.2.99999999999999999999": "0.0.0-dev",
	} {
		if got := packerVersion(v); got != want {
			t.Errorf("%q gave %q, want %q", v, got, want)
		}
	}
}

// FuzzPackerVersion: the SDK panics where it does not like a version.
func FuzzPackerVersion(f *testing.F) {
	f.Add("1.2.3-4")
	old := version
	f.Cleanup(func() { version = old })
	f.Fuzz(func(_ *testing.T, v string) {
		version = v
		newSet()
	})
}

func TestAdvised(t *testing.T) {
	err := advised(fault.Hint(fault.New(fault.Network, "no answer"), "try again"))
	if err.Error() != "no answer\n  next: try again" || fault.KindOf(err) != fault.Network {
		t.Errorf("got %q of kind %d", err, fault.KindOf(err))
	}
	if plain := errors.New("plain"); advised(plain) != plain || advised(nil) != nil {
		t.Error("an error without a hint changed")
	}
}

func TestCheck(t *testing.T) {
	t.Setenv("BAKELITE_STATE", t.TempDir())
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.yaml"), []byte("apiVersion: bakelite.dev/v1\nnam: web\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := check(vm.Config{App: "../../examples/web"}); err != nil {
		t.Error(err)
	}
	if err := check(vm.Config{App: dir}); err == nil || !strings.Contains(err.Error(), `did you mean "name"?`) {
		t.Errorf("got %v", err)
	}
	if err := check(vm.Config{App: filepath.Join(dir, "absent")}); err == nil || !strings.Contains(err.Error(), "\n  next: ") {
		t.Errorf("got %v", err)
	}
	t.Setenv("BAKELITE_FROZEN", "perhaps")
	if err := check(vm.Config{App: "../../examples/web"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestTemplateOverridesSettings(t *testing.T) {
	t.Setenv("BAKELITE_STATE", "/state")
	t.Setenv("BAKELITE_OUTPUT", "/output")
	for _, test := range []struct {
		c             vm.Config
		state, output string
	}{
		{vm.Config{}, "/state", "/output"},
		{vm.Config{State: "/s", Output: "/o"}, "/s", "/o"},
	} {
		s, err := load(test.c)
		if err != nil || s.State != test.state || s.Output != test.output {
			t.Errorf("%+v gave %+v, %v", test.c, s, err)
		}
	}
}

func TestWithParent(t *testing.T) {
	var parent atomic.Int64
	parent.Store(7)
	ctx, stop := withParent(t.Context(), func() int { return int(parent.Load()) })
	defer stop()
	if ctx.Err() != nil {
		t.Fatal(ctx.Err())
	}
	parent.Store(1)
	<-ctx.Done()
	stopped, stop := withParent(t.Context(), os.Getppid)
	stop()
	<-stopped.Done()
}

func TestRunRefuses(t *testing.T) {
	for _, args := range [][]string{nil, {"help"}, {"engine"}, {"engine", "dance"}, {"start", "builder", "disk"}} {
		if _, err := run(args); err == nil {
			t.Errorf("%q was not refused", args)
		}
	}
}
