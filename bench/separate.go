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

// separate are the programs that do apart what publish does in one.
type separate struct {
	trivy, cosign string
	home          string // where they find nothing of the user's
	cache         string // Trivy's: the database alone
	layout        string // the container's
	registry      *localRegistry
}

// ourChain publishes the container, and in turn has the separate programs do
// the same: both send the image into an empty repository of a registry on
// this machine, and neither knows the content from before.
func (b *bench) ourChain() ([]row, error) {
	s, missing, err := b.prepareSeparate()
	if err != nil {
		return nil, err
	}
	const what = "publish of the container ÷ trivy twice, push, cosign six times"
	if missing != "" {
		return []row{{what, "not measured: no " + missing, "1"}}, nil
	}
	defer s.registry.close()
	out := filepath.Join(b.work, "alone")
	if _, err := b.build("--target", "container", "--output", out); err != nil {
		return nil, err
	}
	s.layout = filepath.Join(out, "web.oci")
	var ours, theirs []time.Duration
	for n := range b.runs {
		if err := b.forget(); err != nil {
			return nil, err
		}
		run, err := b.publish("--target", "container", "--output", out, "--registry", s.registry.address+"/ours-"+strconv.Itoa(n))
		if err != nil {
			return nil, err
		}
		took, err := b.runSeparate(s, "theirs-"+strconv.Itoa(n)+"/web")
		if err != nil {
			return nil, err
		}
		ours, theirs = append(ours, run.took), append(theirs, took)
	}
	rows, err := b.memory(s)
	return append([]row{{what, ratio(ours, theirs), "1"}}, rows...), err
}

// prepareSeparate names the program that is missing. Why it is missing goes to
// the terminal: reports do not speak of this machine.
func (b *bench) prepareSeparate() (s separate, missing string, err error) {
	s = separate{home: filepath.Join(b.work, "home"), cache: filepath.Join(b.work, "trivy-cache")}
	db, err := b.database()
	if err != nil {
		return s, "", err
	}
	if err := errors.Join(os.MkdirAll(s.home, 0o755), os.CopyFS(filepath.Join(s.cache, "db"), os.DirFS(db))); err != nil {
		return s, "", err
	}
	for _, peer := range []struct {
		name string
		make func() error
	}{
		{"trivy", func() (err error) { s.trivy, err = b.trivy(); return err }},
		{"cosign", func() (err error) { s.cosign, err = b.cosign(); return err }},
		{"docker-registry", func() (err error) { s.registry, err = b.startRegistry(); return err }},
	} {
		if err := peer.make(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			return s, peer.name, b.ctx.Err()
		}
	}
	return s, "", nil
}

// runSeparate scans twice, sends the image, and signs and verifies the image,
// its SBOM and its findings.
func (b *bench) runSeparate(s separate, repository string) (sum time.Duration, err error) {
	digest, err := onlyManifest(s.layout)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := b.push(s.registry, s.layout, repository); err != nil {
		return 0, err
	}
	sum = time.Since(begin)
	for _, c := range s.commands(b.chain, s.registry.address+"/"+repository+"@"+digest) {
		run, err := b.runAt(s.home, c)
		if err != nil {
			return 0, err
		}
		sum += run.took
	}
	return sum, nil
}

func (s separate) commands(c chain, ref string) [][]string {
	findings, sbom := filepath.Join(s.home, "findings.json"), filepath.Join(s.home, "sbom.json")
	sign := func(args ...string) []string {
		return append(append([]string{s.cosign}, args...), "--key", c.key, "--use-signing-config=false", "--tlog-upload=false", "--yes", ref)
	}
	verify := func(args ...string) []string {
		return append(append([]string{s.cosign}, args...), "--key", c.public, "--insecure-ignore-tlog", ref)
	}
	return [][]string{
		s.scan("json", findings), s.scan("cyclonedx", sbom),
		sign("sign"), sign("attest", "--type", "cyclonedx", "--predicate", sbom), sign("attest", "--type", "vuln", "--predicate", findings),
		verify("verify"), verify("verify-attestation", "--type", "cyclonedx"), verify("verify-attestation", "--type", "vuln"),
	}
}

// scan has Trivy look for what it does by default in a format: findings and
// secrets for json, packages alone for an SBOM. It keeps nothing.
func (s separate) scan(format, file string) []string {
	return []string{
		s.trivy, "image", "--input", s.layout, "--cache-dir", s.cache, "--cache-backend", "memory", "--skip-db-update", "--skip-java-db-update",
		"--offline-scan", "--skip-version-check", "--disable-telemetry", "--quiet", "--format", format, "--output", file,
	}
}

// runAt runs a separate program with a home of its own.
func (b *bench) runAt(home string, args []string) (ran, error) {
	c := exec.CommandContext(b.ctx, args[0], args[1:]...)
	c.Dir, c.Env = home, []string{"HOME=" + home, "PATH=/usr/bin:/bin", "COSIGN_PASSWORD=" + passphrase}
	return b.run(c)
}
