package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/bakelite/bakelite/internal/fault"
)

// another is a user that is not this one, and a group that is nobody's own.
const another = 54321

// asRoot skips a test that gives files to other users.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root gives files to others")
	}
}

// TestPlantedSettings: a bakelite.yaml that another user could have written,
// in the working folder or above it, must not choose the engine.
func TestPlantedSettings(t *testing.T) {
	asRoot(t)
	give := func(uid, gid int) func(string) error {
		return func(path string) error { return os.Lchown(path, uid, gid) }
	}
	mode := func(m os.FileMode) func(string) error {
		return func(path string) error { return os.Chmod(path, m) }
	}
	linked := func(of, to int) func(string) error {
		return func(path string) error {
			target := filepath.Join(t.TempDir(), "settings.yaml")
			if err := os.Rename(path, target); err != nil {
				return err
			}
			if err := os.Symlink(target, path); err != nil {
				return err
			}
			if err := os.Lchown(path, of, of); err != nil {
				return err
			}
			return os.Chown(target, to, to)
		}
	}
	for _, tt := range []struct {
		name   string
		change func(path string) error
		env    string
		why    string // "" where the file counts
	}{
		{name: "own", change: mode(0o644)},
		{name: "own and its own group's", change: mode(0o664)},
		{name: "another user's", change: give(another, 0), why: "belongs to another user (54321)"},
		{name: "all may write", change: mode(0o666), why: "can be written by all users (mode 0666)"},
		{name: "a group may write", change: func(path string) error {
			if err := give(0, another)(path); err != nil {
				return err
			}
			return mode(0o664)(path)
		}, why: "can be written by a group (mode 0664)"},
		{name: "another user's link to an own file", change: linked(another, 0), why: "is a link of another user"},
		{name: "an own link to another user's file", change: linked(0, another), why: "belongs to another user"},
		{name: "an own link to an own file", change: linked(0, 0)},
		{name: "who called sudo", change: give(another, 0), env: "SUDO_UID=54321"},
		{name: "not who called sudo", change: give(another, 0), env: "SUDO_UID=54322", why: "belongs to another user"},
	} {
		for _, below := range []string{".", "work"} {
			t.Run(tt.name+" from "+below, func(t *testing.T) {
				top := t.TempDir()
				if err := os.MkdirAll(filepath.Join(top, below), 0o755); err != nil {
					t.Fatal(err)
				}
				planted := filepath.Join(top, FileName)
				write(t, planted, "engine: {address: tcp://attacker.example:1234}\n")
				if err := tt.change(planted); err != nil {
					t.Fatal(err)
				}
				env := []string{home, tt.env}
				s, err := Load(Options{Dir: filepath.Join(top, below), Environ: env})
				switch {
				case tt.why == "" && (err != nil || s.Engine.Address == ""):
					t.Errorf("it does not count: %v", err)
				case tt.why != "" && (fault.KindOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), tt.why) || fault.HintOf(err) != "use it on purpose with: --config "+planted):
					t.Errorf("it gave %v (%s)", err, fault.HintOf(err))
				}
				s, err = Load(Options{Dir: filepath.Join(top, below), Environ: append(env, "BAKELITE_CONFIG="+planted)})
				if err != nil || s.Engine.Address == "" {
					t.Errorf("named on purpose: %v", err)
				}
			})
		}
	}
}

// TestPlantedKeyring: what a found bakelite.yaml names is held to the same
// rule as that file; what a user names is not.
func TestPlantedKeyring(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	for _, key := range []string{"keyring", "policy", "sign.trusted-root"} {
		flag := map[string]string{"keyring": "keyring", "policy": "policy", "sign.trusted-root": "trusted-root"}[key]
		planted := filepath.Join(dir, flag)
		write(t, planted, "x")
		if err := os.Chown(planted, another, another); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, FileName), strings.ReplaceAll(key, ".", ": {")+": "+flag+strings.Repeat("}", strings.Count(key, "."))+"\n")
		_, err := Load(Options{Dir: dir, Environ: []string{home}})
		if fault.KindOf(err) != fault.Invalid || err == nil || fault.HintOf(err) != "use it on purpose with: --"+flag+" "+planted {
			t.Errorf("%s gave %v (%s)", key, err, fault.HintOf(err))
		}
		for _, args := range [][]string{{"--" + flag, planted}, {"--config", FileName}} {
			flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
			AddFlags(flags)
			if err := flags.Parse(args); err != nil {
				t.Fatal(err)
			}
			s, err := Load(Options{Dir: dir, Flags: flags, Environ: []string{home}})
			if err != nil || s.Owners(key) != nil {
				t.Errorf("%s, named with %s: %v", key, args[0], err)
			}
		}
	}
	write(t, filepath.Join(dir, FileName), "policy: gone.yaml\n")
	s, err := Load(Options{Dir: dir, Environ: []string{home}})
	if err != nil || s.Owners("policy") == nil || s.Owners("keyring") != nil {
		t.Errorf("a policy that is not there: %v", err)
	}
}

// TestFoundPolicy: who looks at what others made takes nothing from a
// bakelite.yaml that came with it, and is told where it says what to believe.
func TestFoundPolicy(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, FileName), "state: planted\njobs: 3\nscanner:\n  database: planted\npolicy: lax.yaml\n")
	look := func(args ...string) *Settings {
		t.Helper()
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		AddFlags(flags)
		if err := flags.Parse(args); err != nil {
			t.Fatal(err)
		}
		s, err := Load(Options{Dir: dir, Flags: flags, Environ: []string{home}, Named: true})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := look()
	if s.Policy != "" || s.Jobs != 0 || strings.Contains(s.State, "planted") || strings.Contains(s.Scanner.Database, "planted") {
		t.Errorf("the found file counts: %+v", s)
	}
	err := s.RefuseFound("policy", "scanner.database", "keyring")
	if fault.KindOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), "sets policy (bakelite.yaml:5), scanner.database (bakelite.yaml:4);") ||
		fault.HintOf(err) != "use it on purpose with: --config "+filepath.Join(dir, FileName)+", or give --policy, --database" {
		t.Errorf("got %v (%s)", err, fault.HintOf(err))
	}
	if err := s.RefuseFound("keyring"); err != nil {
		t.Errorf("it does not set keyring: %v", err)
	}
	s = look("--policy", "own.yaml")
	if err := s.RefuseFound("policy"); err != nil || s.Policy != "own.yaml" {
		t.Errorf("named with a flag: %q, %v", s.Policy, err)
	}
	s = look("--config", FileName)
	if err := s.RefuseFound("policy", "scanner.database"); err != nil || s.Policy != filepath.Join(dir, "lax.yaml") {
		t.Errorf("the file named: %q, %v", s.Policy, err)
	}
	// Another user's file keeps nobody from looking.
	asRoot(t)
	if err := os.Chown(filepath.Join(dir, FileName), another, another); err != nil {
		t.Fatal(err)
	}
	s = look()
	if err := s.RefuseFound("policy"); err != nil || s.Policy != "" {
		t.Errorf("another user's: %q, %v", s.Policy, err)
	}
}
