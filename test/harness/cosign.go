package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/intoto"
)

// Cosign is the real one, where the tests of publish/attest have built it.
type Cosign struct {
	t            *testing.T
	program, key string
}

// NewCosign returns one that verifies by a public key, or nil where it was not
// built, which checks nothing and is a failure in continuous integration.
func NewCosign(t *testing.T, key string) *Cosign {
	t.Helper()
	cache, err := os.UserCacheDir()
	program := filepath.Join(cache, "bakelite-test", "cosign-v3.1.3", "cosign")
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("this machine lacks cosign, and CI is set: %v", err)
	}
	if err != nil {
		t.Log("SKIPPED, NOT PASSED: cosign was not built; go test ./publish/attest does it")
		return nil
	}
	return &Cosign{t, program, key}
}

func (c *Cosign) run(args ...string) (string, error) {
	command := exec.CommandContext(c.t.Context(), c.program, args...)
	command.Env = []string{"HOME=" + c.t.TempDir()}
	out, err := command.CombinedOutput()
	return string(out), err
}

// Verifies has cosign verify the signature and each attestation.
func (c *Cosign) Verifies(ref string) {
	if c == nil {
		return
	}
	c.t.Helper()
	where := []string{"--insecure-ignore-tlog", "--allow-http-registry", ref}
	if dir, ok := strings.CutPrefix(ref, registry.LayoutPrefix); ok {
		where = []string{"--insecure-ignore-tlog", "--local-image", dir}
	}
	if out, err := c.run(append([]string{"verify", "--key", c.key}, where...)...); err != nil {
		c.t.Errorf("cosign verify %s: %v\n%s", ref, err, out)
	}
	for _, kind := range []string{"slsaprovenance1", "cyclonedx", "spdxjson", intoto.ScanType, intoto.VerdictType, intoto.TestsType, intoto.LockType} {
		out, err := c.run(append([]string{"verify-attestation", "--key", c.key, "--type", kind}, where...)...)
		if err != nil || !strings.Contains(out, `"payload"`) {
			c.t.Errorf("cosign verify-attestation --type %s %s: %v\n%s", kind, ref, err, out)
		}
	}
}

// VerifiesKeyless has cosign verify a signature by an identity. The instance has no
// log of certificates.
func (c *Cosign) VerifiesKeyless(ref, root, subject, issuer string, more ...string) error {
	if c == nil {
		return nil
	}
	args := []string{
		"verify", "--trusted-root", root, "--certificate-identity", subject, "--certificate-oidc-issuer", issuer,
		"--insecure-ignore-sct",
	}
	args = append(args, more...)
	if dir, ok := strings.CutPrefix(ref, registry.LayoutPrefix); ok {
		args = append(args, "--local-image", dir)
	} else {
		args = append(args, "--allow-http-registry", ref)
	}
	out, err := c.run(args...)
	if err != nil {
		return refused{err, out}
	}
	return nil
}

// refused is cosign's error with what it printed.
type refused struct {
	error
	out string
}

func (r refused) Error() string { return r.error.Error() + "\n" + r.out }
