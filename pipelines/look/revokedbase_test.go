package look

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/channel"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/publish/keys"
)

// TestRevokedBase: what a signer of bases, or who releases, revoked is not stood
// on; what others say of it does no harm.
func TestRevokedBase(t *testing.T) {
	p := flowtest.NewRepository(t)
	m, store := p.Content.Manifest, registry.Layout(p.Layout)
	digest := m.Digest.String()
	_, other, err := keys.Generate(nil)
	if err == nil {
		err = os.WriteFile(filepath.Join(p.Dir, "other.pub"), other, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	v, err := channel.NewRevocation(digest, "leaks", "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b, err := attest.SignNotice(t.Context(), intoto.Subject{Name: "base", Digest: digest}, intoto.Revocation(v), attest.ByKey(p.Key), attest.Want{Now: time.Now()})
	if err == nil {
		err = publish.Attach(t.Context(), store, m, b)
	}
	if err != nil {
		t.Fatal(err)
	}
	k := Reader{}
	k.Policy.Dir = p.Dir
	k.Policy.Bases.Images.SignedBy = []policy.Signer{{Key: "other.pub"}}
	if _, err := k.facts(t.Context(), store, m); err != nil {
		t.Errorf("anybody can revoke a base: %v", err)
	}
	k.Policy.Verify.ReleasedBy = []policy.Signer{{Key: "release.pub"}}
	if _, err := k.facts(t.Context(), store, m); fault.KindOf(err) != fault.Policy || !strings.Contains(err.Error(), "leaks") {
		t.Errorf("a revoked base: %v", err)
	}
}
