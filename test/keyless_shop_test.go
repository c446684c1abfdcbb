package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/attest/sigstoretest"
)

// robot is who signs without a key, and issuer who vouches for that.
const robot, issuer = "https://git.example/team/web/bake.yml@refs/heads/main", "https://token.git.example"

// stall is a folder that publishes what others baked, as robot: nothing is
// built again.
type stall struct {
	shop
	sigstore *sigstoretest.Sigstore
	// dir holds the policy, the trusted root and the token.
	dir string
	// args are those of every publication.
	args []string
}

// openStall lends the container of the shop, which was tested, or the
// container and the disk of the first bake, which were not.
func openStall(t *testing.T, both bool) stall {
	t.Helper()
	s := stall{shop: openShop(t), dir: folder(t), sigstore: newSigstore(t)}
	lender, args := s.site, []string{"--target", "container"}
	if both {
		lender, args = firstBake(t).site, []string{"--skip-tests"}
	}
	env := s.env
	s.site = emptySite(t)
	s.copy(lender.dir)
	s.env = append(env, "BAKELITE_SIGN_TOKEN="+s.file("token", sigstoretest.Token(robot, issuer)))
	lend(t, lender.out, s.out)
	s.file("root.json", string(trustedRoot(t, s.sigstore)))
	s.args = append([]string{"publish", "--json", "--keyless", "--database", s.database, "--policy", s.asks(robot, issuer, "root.json")}, args...)
	return s
}

func newSigstore(t *testing.T) *sigstoretest.Sigstore {
	t.Helper()
	s, err := sigstoretest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func trustedRoot(t *testing.T, s *sigstoretest.Sigstore) []byte {
	t.Helper()
	text, err := s.TrustedRoot()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// lend links the artifacts of an output folder into another one, and has the
// receipt speak of them there.
func lend(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		name := strings.TrimPrefix(path, from)
		top, _, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == "" || strings.HasPrefix(top, "web.")):
			return os.MkdirAll(to+name, 0o755)
		case entry.IsDir():
			return filepath.SkipDir
		case top == "web.receipt.json":
			return os.WriteFile(to+name, []byte(strings.ReplaceAll(read(t, path), from, to)), 0o644)
		case strings.HasPrefix(top, "web.oci") || top == "web.raw" || top == "web.qcow2":
			return os.Link(path, to+name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// file writes a file beside the policy.
func (s stall) file(name, text string) string {
	s.t.Helper()
	return writeFile(s.t, filepath.Join(s.dir, name), text)
}

// asks writes a policy that wants a signature by an identity of an instance,
// or by the shop's key. Untested artifacts pass.
func (s stall) asks(subject, issuer, root string) string {
	s.t.Helper()
	s.file("release.pub", read(s.t, s.public))
	text, err := json.Marshal(map[string]any{
		"apiVersion": "bakelite.dev/v1", "kind": "Policy", "gate": map[string]any{"allowSkippedTests": true},
		"verify": map[string]any{"signedBy": []any{
			map[string]string{"subject": subject, "issuer": issuer, "trustedRoot": root}, map[string]string{"key": "release.pub"},
		}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	path, err := os.CreateTemp(s.dir, "policy-*.yaml")
	if err != nil {
		s.t.Fatal(err)
	}
	defer path.Close()
	if _, err := path.Write(text); err != nil {
		s.t.Fatal(err)
	}
	return path.Name()
}

// addresses are the settings of the instance, one by one.
func (s stall) addresses(rekorVersion string) []string {
	at := s.sigstore.URL()
	return []string{
		"--fulcio", at, "--rekor", at, "--rekor-version", rekorVersion, "--timestamp", s.sigstore.TimestampURL(),
		"--trusted-root", filepath.Join(s.dir, "root.json"),
	}
}

// config is the setting of the instance as one file.
func (s stall) config(rekorVersion uint32) []string {
	s.t.Helper()
	text, err := s.sigstore.SigningConfig(rekorVersion)
	if err != nil {
		s.t.Fatal(err)
	}
	return []string{"--signing-config", s.file("config.json", string(text)), "--trusted-root", filepath.Join(s.dir, "root.json")}
}

func (s stall) publish(args ...string) outcome {
	s.t.Helper()
	return s.run(append(slices.Concat(s.args, args), "web")...)
}

// keyless has cosign verify a signature by an identity. The instance has no
// log of certificates.
func (c *cosign) keyless(ref, root, subject, issuer string, more ...string) error {
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
