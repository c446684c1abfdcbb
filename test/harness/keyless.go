package harness

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/publish/attest/sigstoretest"
)

// Robot is who signs without a key.
const Robot = "https://git.example/team/web/bake.yml@refs/heads/main"

// Issuer is who vouches for Robot.
const Issuer = "https://token.git.example"

// KeylessShop is a folder that publishes what others baked, as robot: nothing is
// built again.
type KeylessShop struct {
	Shop
	Sigstore *sigstoretest.Sigstore
	// Dir holds the policy, the trusted root and the token.
	Dir string
	// Args are those of every publication.
	Args []string
}

// OpenKeylessShop lends the container of the shop, which was tested, or the
// container and the disk of the first bake, which were not.
func OpenKeylessShop(t *testing.T, both bool) KeylessShop {
	t.Helper()
	s := KeylessShop{Shop: OpenShop(t), Dir: Folder(t), Sigstore: NewSigstore(t)}
	lender, args := s.Site, []string{"--target", "container"}
	if both {
		lender, args = FirstBake(t).Site, []string{"--skip-tests"}
	}
	env := s.Env
	s.Site = EmptySite(t)
	s.Copy(lender.Dir)
	s.Env = append(env, "BAKELITE_SIGN_TOKEN="+s.File("token", sigstoretest.Token(Robot, Issuer)))
	lend(t, lender.Out, s.Out)
	s.File("root.json", string(TrustedRoot(t, s.Sigstore)))
	s.Args = append([]string{"publish", "--json", "--keyless", "--database", s.Database, "--policy", s.Asks(Robot, Issuer, "root.json")}, args...)
	return s
}

// NewSigstore starts an instance that ends with the test.
func NewSigstore(t *testing.T) *sigstoretest.Sigstore {
	t.Helper()
	s, err := sigstoretest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TrustedRoot is what an instance's consumers trust, as JSON.
func TrustedRoot(t *testing.T, s *sigstoretest.Sigstore) []byte {
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
			return os.WriteFile(to+name, []byte(strings.ReplaceAll(Read(t, path), from, to)), 0o644)
		case strings.HasPrefix(top, "web.oci") || top == "web.raw" || top == "web.qcow2":
			return os.Link(path, to+name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// File writes a file beside the policy.
func (s KeylessShop) File(name, text string) string {
	s.T.Helper()
	return WriteFile(s.T, filepath.Join(s.Dir, name), text)
}

// Asks writes a policy that wants a signature by an identity of an instance,
// or by the shop's key. Untested artifacts pass.
func (s KeylessShop) Asks(subject, issuer, root string) string {
	s.T.Helper()
	s.File("release.pub", Read(s.T, s.Public))
	text, err := json.Marshal(map[string]any{
		"apiVersion": "bakelite.dev/v1", "kind": "Policy", "gate": map[string]any{"allowSkippedTests": true},
		"verify": map[string]any{"signedBy": []any{
			map[string]string{"subject": subject, "issuer": issuer, "trustedRoot": root}, map[string]string{"key": "release.pub"},
		}},
	})
	if err != nil {
		s.T.Fatal(err)
	}
	path, err := os.CreateTemp(s.Dir, "policy-*.yaml")
	if err != nil {
		s.T.Fatal(err)
	}
	defer path.Close()
	if _, err := path.Write(text); err != nil {
		s.T.Fatal(err)
	}
	return path.Name()
}

// Addresses are the settings of the instance, one by one.
func (s KeylessShop) Addresses(rekorVersion string) []string {
	at := s.Sigstore.URL()
	return []string{
		"--fulcio", at, "--rekor", at, "--rekor-version", rekorVersion, "--timestamp", s.Sigstore.TimestampURL(),
		"--trusted-root", filepath.Join(s.Dir, "root.json"),
	}
}

// Config is the setting of the instance as one file.
func (s KeylessShop) Config(rekorVersion uint32) []string {
	s.T.Helper()
	text, err := s.Sigstore.SigningConfig(rekorVersion)
	if err != nil {
		s.T.Fatal(err)
	}
	return []string{"--signing-config", s.File("config.json", string(text)), "--trusted-root", filepath.Join(s.Dir, "root.json")}
}

// Publish publishes the app as Robot.
func (s KeylessShop) Publish(args ...string) Outcome {
	s.T.Helper()
	return s.Run(append(slices.Concat(s.Args, args), "web")...)
}
