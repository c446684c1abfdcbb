package attest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/publish/sigstore"

	"github.com/opencontainers/go-digest"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sigstore/sigstore-go/pkg/tuf"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
)

func TestProvenance(t *testing.T) {
	at := now()
	p := provenance(at)
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"buildType":"https://bakelite.dev/docs/signing#build-type-v1"`,
		`"externalParameters":{"app":{"name":"web","digest":{"sha256":"` + digestB[7:] + `"}},"asked":{"rights":[{"path":"/usr/bin/su","setUID":true}],"alters":["/usr/sbin/nginx"]}}`,
		`{"name":"source","uri":"git+https://git.example/team/web","digest":{"gitCommit":"` + strings.Repeat("c", 40) + `"}}`,
		`{"name":"base image","uri":"oci:registry.example/base","digest":{"sha256":"` + digestB[7:] + `"}}`,
		`{"name":"debian/trixie/InRelease","digest":{"sha256":"` + strings.Repeat("2", 64) + `"}}`,
		`{"name":"file index.html","digest":{"sha256":"` + strings.Repeat("3", 64) + `"}}`,
		`{"uri":"pkg:deb/debian/libc6@2:2.41-12%2Bdeb13u1?arch=amd64","digest":{"sha256":"` + strings.Repeat("1", 64) + `"}}`,
		`"builder":{"id":"https://bakelite.dev/builder/test","version":{"bakelite":"v1.2.3"}}`,
		`"invocationId":"run 1","startedOn":"`, `"platform":"linux/amd64"`,
	} {
		if strings.Count(string(text), want) != 1 {
			t.Errorf("%s is not once in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "linux@") || strings.Contains(string(text), "debian/linux") {
		t.Error("a container was made from the machine's packages")
	}
	secret := intoto.NewProvenance(intoto.Build{Source: "https://robot:SECRET@git.example/team/web"})
	if text, _ = json.Marshal(secret); strings.Contains(string(text), "SECRET") || secret.SourceURI() != source {
		t.Errorf("the source is %s", secret.SourceURI())
	}
	if text, _ = json.Marshal(intoto.NewProvenance(intoto.Build{CacheMounts: []string{"kept"}})); !strings.Contains(string(text), `"cacheMounts":["kept"]`) {
		t.Errorf("it names no cache mount: %s", text)
	}
	disk := intoto.NewProvenance(intoto.Build{ArtifactKind: "disk", Lock: testLock(at)})
	if text, _ = json.Marshal(disk); !strings.Contains(string(text), strings.Repeat("4", 64)) {
		t.Error("a disk was not made from the machine's packages")
	}
}

func TestSourceForms(t *testing.T) {
	at := now()
	key := p256(t)
	for form, ok := range map[string]bool{
		source: true, source + "/": true, source + ".git": true, "git+" + source + "@refs/tags/v1": true,
		"https://GIT.example/team/web": true, "https://git.example/team/web2": false, "https://git.example/team/Web": false,
		"http://git.example/team/web": false, "https://git.example@evil.example/team/web": false, "https://git.example": false,
	} {
		o := order(t, digestA, at)
		o.Want.Verify.Source = form
		_, err := attest.Sign(t.Context(), o, attest.ByKey(key))
		if (err == nil) != ok {
			t.Errorf("%s: %v", form, err)
		}
	}
}

func TestManifest(t *testing.T) {
	subject := ocispec.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.Digest(digestA), Size: 7}
	manifest, blobs, err := attest.Manifest(attest.Bundle{PredicateType: intoto.ScanType, JSON: []byte(`{"a":1}`)}, subject)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json",` +
		`"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},` +
		`"layers":[{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","digest":"sha256:015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862","size":7}],` +
		`"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + digestA + `","size":7},` +
		`"annotations":{"dev.sigstore.bundle.content":"dsse-envelope","dev.sigstore.bundle.predicateType":"` + intoto.ScanType + `"}}`
	if string(manifest.Content) != want {
		t.Errorf("got  %s\nwant %s", manifest.Content, want)
	}
	if len(blobs) != 2 || string(blobs[0].Content) != "{}" || string(blobs[1].Content) != `{"a":1}` {
		t.Errorf("blobs %v", blobs)
	}
	for _, b := range []attest.Bundle{{}, {PredicateType: "p"}, {JSON: []byte("{}")}} {
		if _, _, err := attest.Manifest(b, subject); err == nil {
			t.Errorf("%v has a manifest", b)
		}
	}
	if _, _, err := attest.Manifest(attest.Bundle{PredicateType: "p", JSON: []byte("{}")}, ocispec.Descriptor{Digest: "a"}); err == nil {
		t.Error("a subject without a digest")
	}
}

func TestTUFOutOfReach(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	mirror := sigstore.TUF{Mirror: closed.URL, Root: tuf.DefaultRoot()}
	bundle := signAny(t, p256(t), digestA, intoto.SignatureType, struct{}{})
	_, err := attest.Verify(t.Context(), bundle, attest.Want{Digest: digestA, TUF: mirror, Dir: t.TempDir(), Now: now(), Signers: []policy.Signer{{Issuer: by, Subject: who}}})
	if fault.KindOf(err) != fault.Network || fault.HintOf(err) == "" {
		t.Errorf("verifying: kind %d, %v", fault.KindOf(err), err)
	}
	k := attest.Keyless{Token: sigstore.TextToken(token(who, by)), Sigstore: sigstore.Services{TUF: mirror}}
	if _, err = attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(k)); fault.KindOf(err) != fault.Network {
		t.Errorf("signing: kind %d, %v", fault.KindOf(err), err)
	}
	k.Fallback = p256(t)
	signed, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(k))
	if err != nil || !strings.Contains(signed.Signer(), "fallback") {
		t.Errorf("falling back: %v", err)
	}
	if _, err = attest.Verify(t.Context(), signed.Bundles()[0].JSON, attest.Want{Digest: digestA, TUF: mirror, Dir: t.TempDir(), Now: now()}); fault.KindOf(err) != fault.Policy {
		t.Errorf("nobody trusted needs no network: %v", fmt.Sprint(err))
	}
}
