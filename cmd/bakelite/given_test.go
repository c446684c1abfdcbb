package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
)

// TestGivenNamesEveryMistake: what is wrong, unknown or left out is told at
// once, and no value of a variable, which may be a secret, is repeated.
func TestGivenNamesEveryMistake(t *testing.T) {
	a := app.App{Service: app.Service{Secrets: []string{"password", "token"}, Config: []string{"app.env"}}}
	g := given{
		secrets: []string{"password=/nowhere", "app.env=x", "token"}, config: []string{"other=x"}, environment: []string{"=hidden", "PLAIN"},
	}
	_, err := g.values(a)
	if fault.KindOf(err) != fault.Invalid {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		"--secret password: open /nowhere", "--secret app.env: the app file names no such file; it names password, token", "--secret token: want NAME=FILE",
		"--setting other: the app file names no such file; it names app.env", "does not start without token", "does not start without app.env",
		"--env : want NAME=VALUE", "--env PLAIN: want NAME=VALUE",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hidden") {
		t.Errorf("the error repeats a value:\n%v", err)
	}
}

func TestGiven(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x=y")
	if err := os.WriteFile(file, []byte("very secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := given{secrets: []string{"password=" + file}, environment: []string{"A=b=c", "EMPTY="}}
	values, err := g.values(app.App{Service: app.Service{Secrets: []string{"password"}}})
	if err != nil || string(values["password"]) != "very secret\n" {
		t.Errorf("%q, %v", values, err)
	}
	if err := os.WriteFile(file, make([]byte, app.MaxGiven+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := g.values(app.App{Service: app.Service{Secrets: []string{"password"}}}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a file of more than a megabyte gives %v", err)
	}
}
