package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
)

func TestDaemonEnv(t *testing.T) {
	got := daemonEnv(func(name string) (string, bool) { return "x", name == "PATH" || name == "AWS_SECRET_ACCESS_KEY" })
	if fmt.Sprint(got) != "[PATH=x]" {
		t.Errorf("got %v", got)
	}
}

func TestLogIsBounded(t *testing.T) {
	state := t.TempDir()
	for _, c := range []struct {
		size int
		want int64
	}{{maxLog, maxLog}, {maxLog + 1, 0}} {
		if err := os.WriteFile(filepath.Join(state, logName), make([]byte, c.size), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := openLog(state)
		if err != nil {
			t.Fatal(err)
		}
		info, _ := f.Stat()
		_ = f.Close()
		if info.Size() != c.want {
			t.Errorf("a log of %d bytes begins with %d, want %d", c.size, info.Size(), c.want)
		}
	}
}

func TestWithoutUser(t *testing.T) {
	for address, want := range map[string]string{
		"":                                  "",
		"http://proxy.example:3128":         "http://proxy.example:3128",
		"http://cook:pw@proxy.example:3128": "http://proxy.example:3128",
		"socks5://c@ok:p@w@proxy.example/":  "socks5://proxy.example/",
		"cook:p/w@proxy.example:3128":       "proxy.example:3128",
		"localhost,.example,10.0.0.0/8":     "localhost,.example,10.0.0.0/8",
	} {
		if got := withoutUser(address); got != want {
			t.Errorf("%s became %s", address, got)
		}
	}
}

func TestRootlessNamesWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := rootless(t.TempDir(), "self", nil)
	if fault.KindOf(err) != fault.Missing || !strings.Contains(fault.HintOf(err), "apt-get install rootlesskit uidmap") || !strings.Contains(err.Error(), "rootlesskit") {
		t.Errorf("without rootlesskit got %v (hint %q)", err, fault.HintOf(err))
	}
	if _, err := spawn(t.TempDir(), Options{}); err == nil || !strings.Contains(fmt.Sprint(err), "runc") {
		t.Errorf("without runc got %v", err)
	}
}
