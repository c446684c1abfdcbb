// Package harness is what the end-to-end tests stand on: one place for all of
// them, an app with its folders (Site), a run of bakelite and what came of it
// (Command, Outcome, Result), somewhere to publish to and with what (Shop,
// KeylessShop, Registry, Cosign), and what a run leaves behind. It fails the
// test that calls it where the machine does, and decides nothing about a flow:
// those are the files of the folder above, in which its paths begin.
package harness

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Place is where one run of the tests happens; everything that it makes lies
// in one folder, so that what is left behind can be told from all else.
type Place struct {
	// Dir holds the programs, of which Binary is bakelite, and State, which
	// tests share.
	Dir, Binary, State string
	// secureBoot are settings: see secureBoot.
	secureBoot []string
}

// Here is set once, before the first test.
var Here Place

// Main runs the tests of a package in the folder test, and returns the exit
// code: it makes their place before, and looks at what they left behind.
func Main(m *testing.M) int {
	if err := Here.open(); err != nil {
		fmt.Fprintln(os.Stderr, "preparing the end-to-end tests:", err)
		return 1
	}
	code := m.Run()
	if err := Here.close(); err != nil {
		fmt.Fprintln(os.Stderr, "FAIL: after the end-to-end tests:", err)
		return 1
	}
	return code
}

func (p *Place) open() error {
	dir, err := os.MkdirTemp("", "bakelite-e2e-")
	if err != nil {
		return err
	}
	*p = Place{Dir: dir, Binary: filepath.Join(dir, "bakelite"), State: filepath.Join(dir, "state")}
	if p.secureBoot, err = secureBoot(dir); err != nil {
		return fmt.Errorf("making a key for Secure Boot: %w", err)
	}
	for name, from := range map[string]string{
		"bakelite": "../cmd/bakelite", "bakelite-check": "../cmd/bakelite-check", "bakelite-service": "../cmd/bakelite-service", "bakelite-tree": "../cmd/bakelite-tree",
		"bakelite-scan": "../cmd/bakelite-scan", "testdb": "./testdb",
	} {
		build := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), from)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if name == "bakelite-scan" || name == "testdb" { // they contain Trivy
			build.Env = append(build.Env, "GOEXPERIMENT=jsonv2")
		}
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// close stops every engine of this run and says what is left nevertheless.
func (p *Place) close() error {
	states, err := filepath.Glob(filepath.Join(p.Dir, "*", "engine"))
	if err != nil {
		return err
	}
	var problems []string
	for _, state := range states {
		stop := exec.CommandContext(context.Background(), p.Binary, "engine", "stop")
		stop.Env = Environment(filepath.Dir(state), p.Dir)
		if out, err := stop.CombinedOutput(); err != nil {
			problems = append(problems, fmt.Sprintf("stopping the engine of %s: %v: %s", state, err, out))
		}
	}
	if left := Settled(func() []string { return append(Processes(p.Dir), mounts(p.Dir)...) }); len(left) > 0 {
		problems = append(problems, "these are left:\n  "+strings.Join(left, "\n  "))
	}
	if err := os.RemoveAll(p.Dir); err != nil {
		problems = append(problems, err.Error())
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s", strings.Join(problems, "\n"))
	}
	return nil
}

// SettleTime is what the end of a process or a mount may take on a busy
// machine.
const SettleTime = 30 * time.Second

// Settled waits until look finds nothing, and returns what it still finds at
// the end of the wait.
func Settled(look func() []string) []string {
	for end := time.Now().Add(SettleTime); ; time.Sleep(100 * time.Millisecond) {
		if found := look(); len(found) == 0 || time.Now().After(end) {
			return found
		}
	}
}

// secureBoot makes a key and its certificate in dir, and returns the settings
// that have every disk of these tests signed. Its declared tests then run
// under firmware that starts nothing else.
func secureBoot(dir string) ([]string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "end-to-end tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var settings []string
	for name, block := range map[string]*pem.Block{
		"KEY": {Type: "PRIVATE KEY", Bytes: private}, "CERTIFICATE": {Type: "CERTIFICATE", Bytes: certificate},
	} {
		path := filepath.Join(dir, "secure-boot-"+name+".pem")
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, err
		}
		settings = append(settings, fmt.Sprintf("BAKELITE_SECURE_BOOT_%s=%s", name, path))
	}
	return settings, nil
}
