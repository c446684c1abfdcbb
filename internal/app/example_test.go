package app_test

import (
	"testing"

	"github.com/bakelite/bakelite/internal/app"
)

func TestExampleIsValid(t *testing.T) {
	a, err := app.Load("../../examples/web")
	if err != nil {
		t.Fatal(err)
	}
	files, err := app.Files(*a, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 || files[0].Path != "nginx.conf" || files[1].Path != "site/index.html" {
		t.Errorf("files are %v", files)
	}
}
