package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	cosignModule  = "github.com/sigstore/cosign/v3"
	cosignVersion = "v3.1.3" // what the tests of publish/attest build too
	trivyModule   = "github.com/aquasecurity/trivy"
	trivyPinned   = "scan/trivy/testdata/peer" // the module that pins it
)

// tool returns a program that is built once into the user's cache. Another
// program of the same name and version may be there already.
func (b *bench) tool(name, version string, build func(file string) error) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(cache, "bakelite-test", name+"-"+version, name)
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	made := file + ".new"
	if err := build(made); err != nil {
		return "", fmt.Errorf("building %s: %w", name, err)
	}
	return file, os.Rename(made, file)
}

// trivy is the real program in the version that bakelite-scan is made of.
func (b *bench) trivy() (string, error) {
	version, err := exec.CommandContext(b.ctx, "go", "-C", trivyPinned, "list", "-m", "-f", "{{.Version}}", trivyModule).Output()
	if err != nil {
		return "", fmt.Errorf("finding Trivy's version: %w", err)
	}
	return b.tool("trivy", strings.TrimSpace(string(version)), func(file string) error {
		return b.goRun(trivyPinned, "GOEXPERIMENT=jsonv2", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", file, trivyModule+"/cmd/trivy")
	})
}

func (b *bench) cosign() (string, error) {
	return b.tool("cosign", cosignVersion, func(file string) error {
		dir := filepath.Join(b.work, "cosign-module")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		module := fmt.Sprintf("module cosign\n\ngo 1.26\n\nrequire %s %s\n", cosignModule, cosignVersion)
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(module), 0o644); err != nil {
			return err
		}
		program := cosignModule + "/cmd/cosign"
		if err := b.goRun(dir, "GOFLAGS=-mod=mod", "get", program+"@"+cosignVersion); err != nil {
			return err
		}
		return b.goRun(dir, "GOFLAGS=-mod=mod", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", file, program)
	})
}

// goRun runs the Go command in a folder, with one more variable.
func (b *bench) goRun(dir, variable string, args ...string) error {
	c := exec.CommandContext(b.ctx, "go", args...)
	c.Dir, c.Env = dir, append(os.Environ(), "CGO_ENABLED=0", variable)
	_, err := b.run(c)
	return err
}
