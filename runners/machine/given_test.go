package machine

import (
	"os"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
)

// TestGivenStandsInNoArgument: arguments are there for everybody to read, and
// so are files with other modes.
func TestGivenStandsInNoArgument(t *testing.T) {
	o := Options{
		State: t.TempDir(), App: app.App{Name: "web", Service: app.Service{Secrets: []string{"password", "left-out"}, Config: []string{"app.env"}}},
		Values: map[string][]byte{"password": []byte("very secret"), "app.env": []byte("LEVEL=debug"), "unknown": []byte("x")},
	}
	files, err := writeGiven(o)
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	args := strings.Join(wiring{given: files}.arguments(), "\n")
	for name, want := range map[string]string{"password": "very secret", "app.env": "LEVEL=debug"} {
		file := files["app."+name]
		text, err := os.ReadFile(file)
		if err != nil || string(text) != want {
			t.Errorf("%s is %q, %v", name, text, err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		if !strings.Contains(args, "name=opt/io.systemd.credentials/app."+name+",file="+file) {
			t.Errorf("QEMU is not given %s:\n%s", name, args)
		}
	}
	if strings.Contains(args, "secret\n") || strings.Contains(args, "very secret") || strings.Contains(args, "debug") {
		t.Errorf("an argument tells: %s", args)
	}
}

// TestGivenIsBounded: what systemd would not take is refused here, with all
// that is given counted together.
func TestGivenIsBounded(t *testing.T) {
	o := Options{
		State: t.TempDir(), App: app.App{Name: "web", Service: app.Service{Secrets: []string{"a", "b"}}},
		Values: map[string][]byte{"a": make([]byte, app.MaxGiven), "b": nil},
	}
	if _, err := writeGiven(o); err != nil {
		t.Error(err)
	}
	o.Values["b"] = []byte("x")
	if _, err := writeGiven(o); fault.KindOf(err) != fault.Invalid {
		t.Errorf("more than systemd takes gives %v", err)
	}
}
