package test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/attest"
)

// TestVerifyRefuses asks of an image that is signed well for what it is not.
func TestVerifyRefuses(t *testing.T) {
	s := openShop(t)
	other := filepath.Join(folder(t), "other")
	s.run("keygen", "--name", other).want(t, 0)
	ref := serve(t, memoryRegistry(t)).host + "/team/web"
	s.sold("--registry", filepath.Dir(ref), "--source", "https://example.com/web", "--version", "1.9")
	for name, tt := range map[string]struct {
		args  []string
		code  int
		texts []string
	}{
		"what it is":              {[]string{"--policy", s.policy(asks("  builder: https://bakelite.dev/builder/local\n  source: https://example.com/web\n"))}, 0, nil},
		"another key":             {[]string{"--public-key", other + ".pub"}, 6, []string{"there is no signature"}},
		"another builder":         {[]string{"--policy", s.policy(asks("  builder: https://example.com/builder\n"))}, 6, []string{"https://bakelite.dev/builder/local", "https://example.com/builder"}},
		"another source":          {[]string{"--policy", s.policy(asks("  source: https://example.com/shop\n"))}, 6, []string{"example.com/web", "example.com/shop"}},
		"another app":             {[]string{"--public-key", s.public, "--app", "debugbox"}, 6, []string{`the container "web" and was asked for as "debugbox"`}},
		"another kind":            {[]string{"--public-key", s.public, "--kind", "disk"}, 6, []string{"was asked for as the disk"}},
		"no kind at all":          {[]string{"--public-key", s.public, "--kind", "boat", "--since", "soon"}, 2, []string{"--kind boat", "--since soon"}},
		"a later version":         {[]string{"--public-key", s.public, "--min-version", "1.10"}, 6, []string{`as version "1.9"`}},
		"that version":            {[]string{"--public-key", s.public, "--min-version", "1.9", "--since", "2026-11-01", "--app", "web", "--kind", "container"}, 0, nil},
		"made later":              {[]string{"--public-key", s.public, "--since", "2126-11-01"}, 6, []string{"it was made at"}},
		"another policy":          {[]string{"--public-key", s.public, "--policy-digest", "sha256:" + strings.Repeat("0", 64)}, 6, []string{"the newest verdict is by the policy"}},
		"an old report":           {[]string{"--policy", s.policy(asks("  maxReportAge: 1ns\n"))}, 6, []string{"scan report", "older than 1ns"}},
		"nobody":                  {nil, 2, []string{"names nobody", "next:"}},
		"a key that is not there": {[]string{"--public-key", other + ".none"}, 3, []string{"other.none"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			o := s.verify(append(tt.args, ref)...).want(t, tt.code, tt.texts...)
			if (o.stdout != "") != (tt.code == 0) {
				t.Errorf("stdout is %q", o.stdout)
			}
		})
	}
}

// TestForgedStatements puts beside an image what others signed, and what was
// signed for something else.
func TestForgedStatements(t *testing.T) {
	s := openShop(t)
	host := serve(t, memoryRegistry(t)).host
	p := s.sold("--registry", host+"/team")
	genuine := bundles(t, p.Ref)
	elsewhere := serve(t, memoryRegistry(t)).host
	evil := filepath.Join(folder(t), "evil")
	s.run("keygen", "--name", evil).want(t, 0)
	s.sold("--registry", elsewhere+"/team", "--key", evil+".key")
	foreign := bundles(t, elsewhere+"/team/web")

	without := func(kind string) map[string][]byte {
		kept := map[string][]byte{}
		for k, b := range genuine {
			if k != kind {
				kept[k] = b
			}
		}
		return kept
	}
	passedOff := without(attest.SignatureType)
	passedOff[attest.SignatureType] = genuine[attest.CycloneDXType]
	changed := without("")
	changed[attest.VerdictType] = reworded(t, genuine[attest.VerdictType], `"app":"web"`, `"app":"wab"`)
	for name, tt := range map[string]struct {
		bundles map[string][]byte
		code    int
		text    string
	}{
		"nothing":                         {nil, 6, "there is no signature"},
		"all but the signature":           {without(attest.SignatureType), 6, "there is no signature"},
		"an attestation as the signature": {passedOff, 6, "there is no signature"},
		"no SBOM in either form":          {map[string][]byte{attest.SignatureType: genuine[attest.SignatureType]}, 6, "there is no SBOM"},
		"no provenance":                   {without(attest.ProvenanceType), 6, "there is no provenance"},
		"no verdict":                      {without(attest.VerdictType), 6, "there is no verdict"},
		"no lock":                         {without(attest.LockType), 6, "there is no lock"},
		"no results of tests":             {without(attest.TestsType), 6, "there are no results of tests"},
		"no report":                       {without(attest.ScanType), 6, "there is no scan report"},
		"another signer":                  {foreign, 6, "there is no signature"},
		"a changed word in the verdict":   {changed, 7, attest.VerdictType},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			ref := copied(t, filepath.Join(s.out, "web.oci"), p.Digest)
			attach(t, ref, tt.bundles)
			s.verify("--public-key", s.public, ref).want(t, tt.code, tt.text)
			s.run("inspect", "--public-key", s.public, ref).want(t, 0).says(t, "NOT verified")
		})
	}
	t.Run("of another image", func(t *testing.T) {
		s.t = t
		digest := smallImage(t, filepath.Join(folder(t), "small"))
		ref := copied(t, digest.dir, digest.digest)
		attach(t, ref, genuine)
		s.verify("--public-key", s.public, ref).want(t, 6, "about another artifact", "there is no signature")
	})
	t.Run("all that is genuine", func(t *testing.T) {
		s.t = t
		ref := copied(t, filepath.Join(s.out, "web.oci"), p.Digest)
		attach(t, ref, genuine)
		s.verify("--public-key", s.public, ref).want(t, 0)
	})
	t.Run("all that is genuine, and what others attached", func(t *testing.T) {
		s.t = t
		ref := copied(t, filepath.Join(s.out, "web.oci"), p.Digest)
		attach(t, ref, genuine)
		attach(t, ref, foreign)
		attach(t, ref, map[string][]byte{
			attest.VerdictType:   []byte("no bundle"),
			attest.LockType:      reworded(t, genuine[attest.LockType], `"app":"web"`, `"app":"wab"`),
			attest.CycloneDXType: bundles(t, elsewhere+"/team/web")[attest.SPDXType],
		})
		s.verify("--public-key", s.public, ref).want(t, 0).says(t, "not counted", "reading the bundle", attest.LockType, "which the policy does not name")
		shown := s.inspect(ref)
		if !shown.Verified || len(shown.Signers) != 1 || !strings.Contains(string(shown.Lock), `"web"`) {
			t.Errorf("inspect shows %+v", shown)
		}
		for kind, n := range shown.Statements {
			if n != 1 {
				t.Errorf("%d statements of %s are shown", n, kind)
			}
		}
	})
}

// reworded changes a word of what was signed.
func reworded(t *testing.T, bundle []byte, old, new string) []byte {
	t.Helper()
	var b map[string]any
	if err := json.Unmarshal(bundle, &b); err != nil {
		t.Fatal(err)
	}
	envelope := b["dsseEnvelope"].(map[string]any)
	payload, err := base64.StdEncoding.DecodeString(envelope["payload"].(string))
	if err != nil || !strings.Contains(string(payload), old) {
		t.Fatalf("the payload lacks %s (%v): %.200s", old, err, payload)
	}
	envelope["payload"] = base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(payload), old, new, 1)))
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// copied sends an image of a layout alone to a registry of its own.
func copied(t *testing.T, layout, digest string) string {
	t.Helper()
	return push(t, layout, digest, serve(t, memoryRegistry(t)).host+"/copy/web")
}

// TestTamperedFolder changes a byte of a layer, of a bundle and of the
// manifest in the folder that was published to.
func TestTamperedFolder(t *testing.T) {
	s := openShop(t)
	layout := filepath.Join(folder(t), "web")
	p := s.sold("--registry", registry.LayoutPrefix+filepath.Dir(layout))
	blobs := map[string]string{"manifest": p.Digest, "a bundle's manifest": p.Referrers[0]}
	store, _ := open(t, registry.LayoutPrefix+layout)
	m, err := registry.Resolve(t.Context(), store, p.Digest)
	if err != nil {
		t.Fatal(err)
	}
	blobs["layer"] = descriptors(t, m)[1].Digest.String()
	bundle, err := registry.Resolve(t.Context(), store, p.Referrers[5])
	if err != nil {
		t.Fatal(err)
	}
	blobs["bundle"] = descriptors(t, bundle)[1].Digest.String()
	blobs["config"] = descriptors(t, m)[0].Digest.String()
	s.verify("--public-key", s.public, layout).want(t, 0)
	for name, digest := range blobs {
		t.Run(name, func(t *testing.T) {
			s.t = t
			path := filepath.Join(layout, "blobs", "sha256", digest[len("sha256:"):])
			kept := read(t, path)
			changed := []byte(kept)
			changed[len(changed)/2] ^= 1
			overwrite(t, path, changed)
			s.verify("--public-key", s.public, layout).want(t, 7, digest)
			overwrite(t, path, []byte(kept))
			s.verify("--public-key", s.public, layout).want(t, 0)
		})
	}
}

func overwrite(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
