package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// chain is what publishing works with.
type chain struct {
	key, public string
	policy      string
	testdb      string    // the program that makes databases
	began       time.Time // when the first of them says that it was changed
	databases   int
	out         string // the folder of both artifacts, published
}

// passphrase opens the key; it is no secret.
const passphrase = "bench"

// policyFile lets artifacts through that were not tested, whatever is found.
const policyFile = `apiVersion: bakelite.dev/v1
kind: Policy
gate:
  allowSkippedTests: true
  vulnerabilities: {failOn: none}
verify:
  signedBy: [{key: bench.pub}]
`

func (b *bench) prepareChain() error {
	name := filepath.Join(b.work, "bench")
	b.chain = chain{
		key: name + ".key", public: name + ".pub", policy: filepath.Join(b.work, "policy.yaml"),
		testdb: filepath.Join(b.work, "testdb"), began: time.Now().Add(-time.Hour).UTC().Truncate(time.Second),
	}
	build := exec.CommandContext(b.ctx, "go", "build", "-buildvcs=false", "-o", b.chain.testdb, "./test/testdb")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOEXPERIMENT=jsonv2")
	if _, err := b.run(build); err != nil {
		return fmt.Errorf("building the maker of databases: %w", err)
	}
	if _, err := b.bakelite("keygen", "--name", name); err != nil {
		return err
	}
	return os.WriteFile(b.chain.policy, []byte(policyFile), 0o644)
}

// database makes a new one, which differs from the last in its date alone.
func (b *bench) database() (string, error) {
	b.chain.databases++
	folder := filepath.Join(b.work, "database-"+strconv.Itoa(b.chain.databases))
	updated := b.chain.began.Add(time.Duration(b.chain.databases) * time.Second).Format(time.RFC3339)
	_, err := b.run(exec.CommandContext(b.ctx, b.chain.testdb, "--updated", updated, folder))
	return folder, err
}

// publish publishes by a new database what was built before. It refuses a run
// that left a stage out: its time would say nothing.
func (b *bench) publish(args ...string) (ran, error) {
	db, err := b.database()
	if err != nil {
		return ran{}, err
	}
	r, err := b.run(b.command(append([]string{
		"publish", "--skip-tests", "--progress", "json", "--json",
		"--key", b.chain.key, "--policy", b.chain.policy, "--database", db, b.app,
	}, args...)...))
	if err != nil {
		return ran{}, err
	}
	for _, name := range stages() {
		if stage(stepsOf(r.log), name) == 0 {
			return ran{}, fmt.Errorf("publish had no step [%s]", name)
		}
	}
	return r, nil
}

// forget removes what scanning and packing keep for the next time.
func (b *bench) forget() error {
	return errors.Join(os.RemoveAll(filepath.Join(b.work, "state", "scan")), os.RemoveAll(filepath.Join(b.work, "state", "packed")))
}
