package qemu

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
)

// TestProof runs the few instructions that decide about KVM, under TCG, and
// then a firmware that never ends QEMU the right way.
func TestProof(t *testing.T) {
	if testing.Short() {
		t.Skip("runs QEMU")
	}
	p, err := PlatformOf(runtime.GOARCH)
	if err != nil {
		t.Skip(err)
	}
	binary, err := p.Find()
	if err != nil {
		t.Skip(err)
	}
	if err := p.proves(t.Context(), binary, t.TempDir(), TCG); err != nil {
		t.Error(err)
	}
	p.proofExit++
	if p.proves(t.Context(), binary, t.TempDir(), TCG) == nil {
		t.Error("a wrong exit code counts as a proof")
	}
}

func TestMissingFirmwareHasAHint(t *testing.T) {
	_, err := Platform{program: "q", packages: "some packages"}.findFirmware()
	if fault.KindOf(err) != fault.Missing || fault.HintOf(err) != "apt-get install some packages" {
		t.Errorf("%v, %q", err, fault.HintOf(err))
	}
}

func TestMissingSecureFirmwareSaysSo(t *testing.T) {
	p := Platform{program: "q", packages: "some packages"}.Secured()
	_, err := p.findFirmware()
	if fault.KindOf(err) != fault.Missing || fault.HintOf(err) != "apt-get install some packages" || !strings.Contains(err.Error(), "Secure Boot") {
		t.Errorf("%v, %q", err, fault.HintOf(err))
	}
}

func TestForeignVariablesAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "vars.fd")
	if err := os.WriteFile(file, []byte("QFI\xfb"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := Platform{program: "q", packages: "some packages", firmware: []firmware{{file, file}}}
	_, _, err := p.PrivateFirmware(t.TempDir(), &x509.Certificate{})
	if fault.KindOf(err) != fault.Missing || fault.HintOf(err) == "" {
		t.Errorf("%v, %q", err, fault.HintOf(err))
	}
	if _, _, err := p.PrivateFirmware(t.TempDir(), nil); err != nil {
		t.Errorf("without Secure Boot: %v", err)
	}
}

func FuzzParseConnections(f *testing.F) {
	f.Add("  TCP[HOST_FORWARD]   8  127.0.0.1 35113  10.0.2.15  80  0  0\r\n")
	f.Fuzz(func(_ *testing.T, text string) { parseConnections(text) })
}

func TestParseConnections(t *testing.T) {
	text := "Hub -1 (n):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n" +
		"  TCP[ESTABLISHED]   9  127.0.0.1 35113  10.0.2.15  80  0  0\r\n  UDP[HOST_FORWARD]   3  127.0.0.1 41935  10.0.2.15  53  0  0\r\n"
	want := []Connection{{"tcp", "ESTABLISHED", 35113, 80}, {"udp", "HOST_FORWARD", 41935, 53}}
	if got := parseConnections(text); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}
