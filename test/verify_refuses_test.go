package test

import (
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/test/harness"
)

// TestVerifyRefuses asks of an image that is signed well for what it is not.
func TestVerifyRefuses(t *testing.T) {
	s := harness.OpenShop(t)
	other := filepath.Join(harness.Folder(t), "other")
	s.Run("keygen", "--name", other).Want(t, 0)
	ref := harness.Serve(t, harness.MemoryRegistry(t)).Host + "/team/web"
	s.Sold("--registry", filepath.Dir(ref), "--source", "https://example.com/web", "--version", "1.9")
	for name, tt := range map[string]struct {
		args  []string
		code  int
		texts []string
	}{
		"what it is":              {[]string{"--policy", s.Policy(harness.Asks("  builder: https://bakelite.dev/builder/local\n  source: https://example.com/web\n"))}, 0, nil},
		"another key":             {[]string{"--public-key", other + ".pub"}, 6, []string{"there is no signature"}},
		"another builder":         {[]string{"--policy", s.Policy(harness.Asks("  builder: https://example.com/builder\n"))}, 6, []string{"https://bakelite.dev/builder/local", "https://example.com/builder"}},
		"another source":          {[]string{"--policy", s.Policy(harness.Asks("  source: https://example.com/shop\n"))}, 6, []string{"example.com/web", "example.com/shop"}},
		"another app":             {[]string{"--public-key", s.Public, "--app", "debugbox"}, 6, []string{`the container "web" and was asked for as "debugbox"`}},
		"another kind":            {[]string{"--public-key", s.Public, "--kind", "disk"}, 6, []string{"was asked for as the disk"}},
		"no kind at all":          {[]string{"--public-key", s.Public, "--kind", "boat", "--since", "soon"}, 2, []string{"--kind boat", "--since soon"}},
		"a later version":         {[]string{"--public-key", s.Public, "--min-version", "1.10"}, 6, []string{`as version "1.9"`}},
		"that version":            {[]string{"--public-key", s.Public, "--min-version", "1.9", "--since", "2026-11-01", "--app", "web", "--kind", "container"}, 0, nil},
		"made later":              {[]string{"--public-key", s.Public, "--since", "2126-11-01"}, 6, []string{"it was made at"}},
		"another policy":          {[]string{"--public-key", s.Public, "--policy-digest", "sha256:" + strings.Repeat("0", 64)}, 6, []string{"the newest verdict is by the policy"}},
		"an old report":           {[]string{"--policy", s.Policy(harness.Asks("  maxReportAge: 1ns\n"))}, 6, []string{"scan report", "older than 1ns"}},
		"nobody":                  {nil, 2, []string{"names nobody", "next:"}},
		"a key that is not there": {[]string{"--public-key", other + ".none"}, 3, []string{"other.none"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.T = t
			o := s.Verify(append(tt.args, ref)...).Want(t, tt.code, tt.texts...)
			if (o.Stdout != "") != (tt.code == 0) {
				t.Errorf("stdout is %q", o.Stdout)
			}
		})
	}
}

// TestForgedStatements puts beside an image what others signed, and what was
// signed for something else.
func TestForgedStatements(t *testing.T) {
	s := harness.OpenShop(t)
	host := harness.Serve(t, harness.MemoryRegistry(t)).Host
	p := s.Sold("--registry", host+"/team")
	genuine := harness.Bundles(t, p.Ref)
	elsewhere := harness.Serve(t, harness.MemoryRegistry(t)).Host
	evil := filepath.Join(harness.Folder(t), "evil")
	s.Run("keygen", "--name", evil).Want(t, 0)
	s.Sold("--registry", elsewhere+"/team", "--key", evil+".key")
	foreign := harness.Bundles(t, elsewhere+"/team/web")

	without := func(kind string) map[string][]byte {
		kept := map[string][]byte{}
		for k, b := range genuine {
			if k != kind {
				kept[k] = b
			}
		}
		return kept
	}
	passedOff := without(intoto.SignatureType)
	passedOff[intoto.SignatureType] = genuine[intoto.CycloneDXType]
	changed := without("")
	changed[intoto.VerdictType] = reworded(t, genuine[intoto.VerdictType], `"app":"web"`, `"app":"wab"`)
	for name, tt := range map[string]struct {
		bundles map[string][]byte
		code    int
		text    string
	}{
		"nothing":                         {nil, 6, "there is no signature"},
		"all but the signature":           {without(intoto.SignatureType), 6, "there is no signature"},
		"an attestation as the signature": {passedOff, 6, "there is no signature"},
		"no SBOM in either form":          {map[string][]byte{intoto.SignatureType: genuine[intoto.SignatureType]}, 6, "there is no SBOM"},
		"no provenance":                   {without(intoto.ProvenanceType), 6, "there is no provenance"},
		"no verdict":                      {without(intoto.VerdictType), 6, "there is no verdict"},
		"no lock":                         {without(intoto.LockType), 6, "there is no lock"},
		"no results of tests":             {without(intoto.TestsType), 6, "there are no results of tests"},
		"no report":                       {without(intoto.ScanType), 6, "there is no scan report"},
		"another signer":                  {foreign, 6, "there is no signature"},
		"a changed word in the verdict":   {changed, 7, intoto.VerdictType},
	} {
		t.Run(name, func(t *testing.T) {
			s.T = t
			ref := copied(t, filepath.Join(s.Out, "web.oci"), p.Digest)
			harness.Attach(t, ref, tt.bundles)
			s.Verify("--public-key", s.Public, ref).Want(t, tt.code, tt.text)
			s.Run("inspect", "--public-key", s.Public, ref).Want(t, 0).Says(t, "NOT verified")
		})
	}
	t.Run("of another image", func(t *testing.T) {
		s.T = t
		digest := harness.SmallImage(t, filepath.Join(harness.Folder(t), "small"))
		ref := copied(t, digest.Dir, digest.Digest)
		harness.Attach(t, ref, genuine)
		s.Verify("--public-key", s.Public, ref).Want(t, 6, "about another artifact", "there is no signature")
	})
	t.Run("all that is genuine", func(t *testing.T) {
		s.T = t
		ref := copied(t, filepath.Join(s.Out, "web.oci"), p.Digest)
		harness.Attach(t, ref, genuine)
		s.Verify("--public-key", s.Public, ref).Want(t, 0)
	})
	t.Run("all that is genuine, and what others attached", func(t *testing.T) {
		s.T = t
		ref := copied(t, filepath.Join(s.Out, "web.oci"), p.Digest)
		harness.Attach(t, ref, genuine)
		harness.Attach(t, ref, foreign)
		harness.Attach(t, ref, map[string][]byte{
			intoto.VerdictType:   []byte("no bundle"),
			intoto.LockType:      reworded(t, genuine[intoto.LockType], `"app":"web"`, `"app":"wab"`),
			intoto.CycloneDXType: harness.Bundles(t, elsewhere+"/team/web")[intoto.SPDXType],
		})
		s.Verify("--public-key", s.Public, ref).Want(t, 0).Says(t, "not counted", "reading the bundle", intoto.LockType, "which the policy does not name")
		shown := s.Inspect(ref)
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
	return harness.Push(t, layout, digest, harness.Serve(t, harness.MemoryRegistry(t)).Host+"/copy/web")
}

// TestTamperedFolder changes a byte of a layer, of a bundle and of the
// manifest in the folder that was published to.
func TestTamperedFolder(t *testing.T) {
	s := harness.OpenShop(t)
	layout := filepath.Join(harness.Folder(t), "web")
	p := s.Sold("--registry", registry.LayoutPrefix+filepath.Dir(layout))
	blobs := map[string]string{"manifest": p.Digest, "a bundle's manifest": p.Referrers[0]}
	store, _ := harness.Open(t, registry.LayoutPrefix+layout)
	m, err := registry.Resolve(t.Context(), store, p.Digest)
	if err != nil {
		t.Fatal(err)
	}
	blobs["layer"] = harness.Descriptors(t, m)[1].Digest.String()
	bundle, err := registry.Resolve(t.Context(), store, p.Referrers[5])
	if err != nil {
		t.Fatal(err)
	}
	blobs["bundle"] = harness.Descriptors(t, bundle)[1].Digest.String()
	blobs["config"] = harness.Descriptors(t, m)[0].Digest.String()
	s.Verify("--public-key", s.Public, layout).Want(t, 0)
	for name, digest := range blobs {
		t.Run(name, func(t *testing.T) {
			s.T = t
			path := filepath.Join(layout, "blobs", "sha256", digest[len("sha256:"):])
			kept := harness.Read(t, path)
			changed := []byte(kept)
			changed[len(changed)/2] ^= 1
			harness.Overwrite(t, path, changed)
			s.Verify("--public-key", s.Public, layout).Want(t, 7, digest)
			harness.Overwrite(t, path, []byte(kept))
			s.Verify("--public-key", s.Public, layout).Want(t, 0)
		})
	}
}
