package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bakelite": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "json": isJSON},
	})
}

// exits runs a program and compares its exit code: exits CODE PROGRAM...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGUMENT...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got, err := 0, ts.Exec(args[1], args[2:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got, err = exit.ExitCode(), nil
	}
	ts.Check(err)
	if got != want {
		ts.Fatalf("exit code %d, wanted %d", got, want)
	}
}

// isJSON says that a file, or stdout, holds one JSON value and no more.
func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] json FILE")
	}
	if json.Valid([]byte(ts.ReadFile(args[0]))) == neg {
		ts.Fatalf("%s is JSON: %t", args[0], neg)
	}
}

// TestEveryCommandExplainsItself runs --help of each command in this process.
func TestEveryCommandExplainsItself(t *testing.T) {
	for _, c := range root().Commands() {
		if c.Hidden || c.Name() == "help" {
			continue
		}
		t.Run(c.Name(), func(t *testing.T) {
			if c.Short == "" || c.Short[len(c.Short)-1] == '.' {
				t.Errorf("the short help is %q", c.Short)
			}
			if c.ValidArgsFunction == nil && !c.HasSubCommands() {
				t.Error("the shell completes nothing, or files that it does not take")
			}
			out, err := os.Create(t.TempDir() + "/help")
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			r := root()
			r.SetArgs([]string{c.Name(), "--help"})
			r.SetOut(out)
			if err := r.ExecuteContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			if info, err := out.Stat(); err != nil || info.Size() < 200 {
				t.Errorf("the help is short: %v, %v", info.Size(), err)
			}
		})
	}
}
