package attest_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/publish/keys"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
)

const cosignVersion = "v3.1.3"

// cosign returns the real program, which it builds once into the user's cache.
func cosign(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds cosign, which takes ten minutes of a processor where it is not cached")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "bakelite-test", "cosign-"+cosignVersion)
	program := filepath.Join(dir, "cosign")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	source := t.TempDir()
	module := "module cosign.test\n\ngo 1.26\n\nrequire github.com/sigstore/cosign/v3 " + cosignVersion + "\n"
	if err := os.WriteFile(filepath.Join(source, "go.mod"), []byte(module), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const from = "github.com/sigstore/cosign/v3/cmd/cosign"
	for _, args := range [][]string{{"get", from + "@" + cosignVersion}, {"build", "-o", filepath.Join(source, "cosign"), from}} {
		build := exec.CommandContext(t.Context(), "go", args...)
		build.Dir, build.Env = source, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "CGO_ENABLED=0", "GOEXPERIMENT=")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
	text, err := os.ReadFile(filepath.Join(source, "cosign"))
	if err != nil {
		t.Fatal(err)
	}
	made := program + ".new"
	if err := os.WriteFile(made, text, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(made, program); err != nil {
		t.Fatal(err)
	}
	return program
}

// place is where cosign looks, and how it is told to.
type place struct {
	ref   string
	local bool
}

func (p place) args(args ...string) []string {
	if p.local {
		args = append(args, "--local-image")
	}
	return append(args, p.ref)
}

func runCosign(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	run := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...)
	run.Env = []string{"HOME=" + t.TempDir(), "PATH=/usr/bin:/bin", "COSIGN_PASSWORD="}
	out, err := run.CombinedOutput()
	return string(out), err
}

// publish puts an image and what sign makes of it into a registry and a
// layout.
func publish(t *testing.T, sign func(digest string) [][2]any) (made string, places map[string]place) {
	t.Helper()
	image, err := random.Image(512, 1)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := image.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	hash, _ := image.Digest()
	server := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo))))
	t.Cleanup(server.Close)
	repository, err := name.NewRepository(strings.TrimPrefix(server.URL, "http://") + "/web")
	if err != nil {
		t.Fatal(err)
	}
	ref := repository.Digest(hash.String())
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "layout")
	local, err := layout.Write(folder, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := local.AppendImage(image, layout.WithAnnotations(map[string]string{"kind": "dev.cosignproject.cosign/image"})); err != nil {
		t.Fatal(err)
	}
	subject := ocispec.Descriptor{MediaType: string(types.DockerManifestSchema2), Digest: digest.Digest(hash.String()), Size: int64(len(raw))}
	for _, pair := range sign(hash.String()) {
		manifest, blobs, err := attest.Manifest(attest.Bundle{PredicateType: pair[0].(string), JSON: pair[1].([]byte)}, subject)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range append(blobs, manifest) {
			blobHash, _ := v1.NewHash(b.Digest.String())
			if err := local.WriteBlob(blobHash, io.NopCloser(strings.NewReader(string(b.Content)))); err != nil {
				t.Fatal(err)
			}
		}
		for _, b := range blobs {
			if err := remote.WriteLayer(repository, static.NewLayer(b.Content, types.MediaType(b.MediaType))); err != nil {
				t.Fatal(err)
			}
		}
		if err := remote.Put(repository.Digest(manifest.Digest.String()), rawManifest(manifest)); err != nil {
			t.Fatal(err)
		}
	}
	return hash.String(), map[string]place{"registry": {ref.String(), false}, "layout": {folder, true}}
}

type rawManifest attest.Blob

func (m rawManifest) RawManifest() ([]byte, error) { return m.Content, nil }
func (m rawManifest) MediaType() (types.MediaType, error) {
	return types.MediaType(m.Descriptor.MediaType), nil
}

func keyFile(t *testing.T, public any) string {
	t.Helper()
	text, err := keys.PublicPEM(public)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCosignVerifies signs with each kind of key, and has the real cosign
// verify the signature and every attestation, in a registry and in a layout.
func TestCosignVerifies(t *testing.T) {
	program := cosign(t)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	rsa2048, _ := rsa.GenerateKey(rand.Reader, 2048)
	signers := map[string]keys.Key{"P-256": p256(t), "Ed25519": newKey(t, ed), "RSA": newKey(t, rsa2048)}
	for kind, key := range signers {
		t.Run(kind, func(t *testing.T) {
			_, places := publish(t, func(digest string) [][2]any {
				signed, err := attest.Sign(t.Context(), order(t, digest, now()), attest.ByKey(key))
				if err != nil {
					t.Fatal(err)
				}
				var all [][2]any
				for _, b := range signed.Bundles() {
					all = append(all, [2]any{b.PredicateType, b.JSON})
				}
				return all
			})
			for where, p := range places {
				checkCosign(t, program, where, p, keyFile(t, key.Public()), kind == "P-256")
				if out, err := runCosign(t, program, p.args("verify", "--key", keyFile(t, p256(t).Public()), "--insecure-ignore-tlog")...); err == nil {
					t.Errorf("%s: cosign took another key: %s", where, out)
				}
			}
		})
	}
}

func checkCosign(t *testing.T, program, where string, p place, key string, all bool) {
	t.Helper()
	if out, err := runCosign(t, program, p.args("verify", "--key", key, "--insecure-ignore-tlog")...); err != nil {
		t.Errorf("%s: cosign verify: %v\n%s", where, err, out)
	}
	kinds := []string{"slsaprovenance1", "cyclonedx", "spdxjson", intoto.ScanType, intoto.VerdictType, intoto.TestsType, intoto.LockType}
	if !all {
		kinds = kinds[:1]
	}
	for _, kind := range kinds {
		out, err := runCosign(t, program, p.args("verify-attestation", "--key", key, "--insecure-ignore-tlog", "--type", kind)...)
		if err != nil || !strings.Contains(out, `"payload"`) {
			t.Errorf("%s: cosign verify-attestation --type %s: %v\n%s", where, kind, err, out)
		}
	}
	if !all {
		return
	}
	if out, err := runCosign(t, program, p.args("verify-attestation", "--key", key, "--insecure-ignore-tlog", "--type", "https://example.com/none")...); err == nil {
		t.Errorf("%s: cosign found what is not there: %s", where, out)
	}
}

// TestAttestationAsSignature: cosign verify is content with any attestation
// (which is why docs/signing.md says so), and our verifier is not.
func TestAttestationAsSignature(t *testing.T) {
	program := cosign(t)
	key := p256(t)
	var bundle []byte
	digest, places := publish(t, func(digest string) [][2]any {
		bundle = signAny(t, key, digest, intoto.CycloneDXType, struct{}{})
		return [][2]any{{intoto.CycloneDXType, bundle}}
	})
	if out, err := runCosign(t, program, places["registry"].args("verify", "--key", keyFile(t, key.Public()), "--insecure-ignore-tlog")...); err != nil {
		t.Logf("cosign refuses it by now; docs/signing.md can say so: %s", out)
	}
	dir, list := signers(t, key.Public())
	if _, err := attest.VerifyImage(t.Context(), [][]byte{bundle}, nil, attest.Want{Digest: digest, Dir: dir, Signers: list, Now: now()}); err == nil {
		t.Error("an attestation counted as a signature")
	}
}

// TestCosignKeys: cosign signs with the keys that GenerateKey makes, we sign
// with cosign's, and we verify the bundle that cosign wrote.
func TestCosignKeys(t *testing.T) {
	program := cosign(t)
	dir := t.TempDir()
	run := exec.CommandContext(t.Context(), program, "generate-key-pair")
	run.Dir, run.Env = dir, []string{"HOME=" + dir, "COSIGN_PASSWORD=open sesame"}
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	theirs, err := keys.Load(filepath.Join(dir, "cosign.key"), func() ([]byte, error) { return []byte("open sesame"), nil })
	if err != nil {
		t.Fatal(err)
	}
	if public, _ := keys.PublicPEM(theirs.Public()); string(public) != read(t, filepath.Join(dir, "cosign.pub")) {
		t.Error("the public halves differ")
	}
	private, public, err := keys.Generate([]byte("open sesame"))
	if err != nil {
		t.Fatal(err)
	}
	_ = os.WriteFile(filepath.Join(dir, "ours.key"), private, 0o600)
	_ = os.WriteFile(filepath.Join(dir, "ours.pub"), public, 0o644)
	digest, places := publish(t, func(string) [][2]any { return nil })
	signWith := func(format string) {
		run := exec.CommandContext(t.Context(), program, "sign", "--yes", "--key", "ours.key", "--use-signing-config=false",
			"--tlog-upload=false", "--new-bundle-format="+format, places["registry"].ref)
		run.Dir, run.Env = dir, []string{"HOME=" + dir, "COSIGN_PASSWORD=open sesame"}
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("cosign sign: %v\n%s", err, out)
		}
	}
	want := attest.Want{Digest: digest, Dir: dir, Signers: []policy.Signer{{Key: "ours.pub"}}, Now: now()}
	signWith("true")
	if _, err := attest.VerifyImage(t.Context(), [][]byte{referrer(t, places["registry"].ref)}, nil, want); err != nil {
		t.Errorf("cosign's own bundle: %v", err)
	}
	signWith("false")
	if _, err := attest.VerifyImage(t.Context(), nil, classicSignatures(t, places["registry"].ref), want); err != nil {
		t.Errorf("cosign's classic signature: %v", err)
	}
}

// classicSignatures reads the tag that cosign writes classic signatures to.
func classicSignatures(t *testing.T, text string) []attest.Classic {
	t.Helper()
	ref, err := name.NewDigest(text)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(ref.Context().Tag(strings.Replace(ref.DigestStr(), ":", "-", 1) + ".sig"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil || len(manifest.Layers) != 1 {
		t.Fatalf("no classic signature: %v", err)
	}
	layers, _ := image.Layers()
	content, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	payload, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	return []attest.Classic{{Payload: payload, Signature: manifest.Layers[0].Annotations["dev.cosignproject.cosign/signature"]}}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// referrer returns the one bundle that refers to ref.
func referrer(t *testing.T, text string) []byte {
	t.Helper()
	ref, err := name.NewDigest(text)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Referrers(ref)
	if err != nil {
		t.Fatal(err)
	}
	all, err := index.IndexManifest()
	if err != nil || len(all.Manifests) != 1 {
		t.Fatalf("%d referrers, %v", len(all.Manifests), err)
	}
	image, err := remote.Image(ref.Context().Digest(all.Manifests[0].Digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	content, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	bundle, err := io.ReadAll(content)
	if err != nil || !json.Valid(bundle) {
		t.Fatalf("no bundle: %v", err)
	}
	return bundle
}
