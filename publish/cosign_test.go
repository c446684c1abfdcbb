package publish_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
	"github.com/bakelite/bakelite/publish"
)

// The real cosign, where the tests of publish/attest have built it, verifies
// what stands in each kind of store.
func TestCosignVerifiesWhatIsPublished(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip(err)
	}
	program := filepath.Join(cache, "bakelite-test", "cosign-v3.1.3", "cosign")
	if _, err := os.Stat(program); err != nil || testing.Short() {
		t.Skip("cosign was not built: go test ./publish/attest does it")
	}
	der, err := x509.MarshalPKIXPublicKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)).Public())
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key.pub")
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	for _, k := range registrytest.Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			ref := k.Ref(t)
			for _, version := range []string{"1.0", "1.1"} {
				_, c := image(t, version)
				if _, err := publish.Publish(t.Context(), registrytest.Open(t, ref, registrytest.Fast()), publish.Publication{Content: c, Signed: signed(t, c), Version: version, Tags: []string{"latest"}}); err != nil {
					t.Fatal(err)
				}
			}
			where := []string{"--allow-http-registry", ref + ":latest"}
			if dir, ok := strings.CutPrefix(ref, registry.LayoutPrefix); ok {
				where = []string{"--local-image", dir}
			}
			command := exec.Command(program, append([]string{"verify", "--key", key, "--insecure-ignore-tlog"}, where...)...)
			command.Env = []string{"HOME=" + t.TempDir()}
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("cosign %v: %v\n%s", where, err, out)
			}
		})
	}
}
