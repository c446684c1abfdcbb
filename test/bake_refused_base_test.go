package test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/test/harness"
)

// zero is a digest that nothing has.
const zero = "@sha256:0000000000000000000000000000000000000000000000000000000000000000"

const baseApp = "apiVersion: bakelite.dev/v1\nname: base\nbase: {debian: trixie}\nservice: {command: [/usr/bin/sleep, \"1000\"], user: nobody}\ncontainer: {shell: true}\n"

// standing is an app on an image or on Debian, with or without a Dockerfile.
func standing(base, dockerfile string) string {
	text := "apiVersion: bakelite.dev/v1\nname: web\nbase:\n"
	if base != "" {
		text += "  image: " + base + "\n"
	} else {
		text += "  debian: trixie\n"
	}
	if dockerfile != "" {
		text += "  dockerfile: Dockerfile\n"
	}
	return text + "service: {command: [/usr/bin/sleep, \"1000\"], user: nobody}\ncontainer: {shell: true}\n"
}

// stock is a base image in a registry, signed, and unsigned beside it.
type stock struct {
	harness.Shop
	host             string
	signed, unsigned string // by tag
	digest           string
}

// newStock bakes a base image and publishes it to a registry of its own.
func newStock(t *testing.T) stock {
	t.Helper()
	s := stock{Shop: harness.OpenShop(t), host: harness.Serve(t, harness.Distribution(t)).Host}
	env := s.Env
	s.Site = harness.EmptySite(t)
	s.Env = env
	harness.WriteFile(t, filepath.Join(filepath.Dir(s.Dir), "base", "app.yaml"), baseApp)
	s.signed, s.unsigned = s.host+"/team/base:1.0", s.host+"/bare/base:latest"
	o := s.Run("publish", "--json", "--target", "container", "--key", s.Key, "--database", s.Database, "--registry", s.host+"/team", "--version", "1.0", "base")
	s.digest = o.Result(t).Published[0].Digest
	harness.Push(t, filepath.Join(s.Out, "base.oci"), s.digest, strings.TrimSuffix(s.unsigned, ":latest"))
	return s
}

// on writes the app, with a lock of its own.
func (s stock) on(base, dockerfile string) {
	s.T.Helper()
	harness.WriteFile(s.T, s.App(), standing(base, dockerfile))
	if dockerfile != "" {
		harness.WriteFile(s.T, filepath.Join(s.Dir, "Dockerfile"), dockerfile)
	}
}

// TestBases stands an app on one image after the other, by its name in the app
// file and in a Dockerfile. What the policy refuses is not fetched.
func TestBases(t *testing.T) {
	s := newStock(t)
	at := "@" + s.digest
	images := func(keys string) string { return "bases: {images: {" + keys + "}}\n" }
	other := filepath.Join(harness.Folder(t), "other")
	s.Run("keygen", "--name", other).Want(t, 0)
	byUs := images("signedBy: [{key: release.pub}]")
	for _, tt := range []struct {
		name, base, dockerfile, policy string
		code                           int
		texts                          []string
	}{
		{"look-alike image", "docker.io/library/debain" + zero, "", "", 6, []string{"base.image", "looks like docker.io/library/debian", "next:"}},
		{"look-alike namespace", "docker.io/1ibrary/debian" + zero, "", "", 6, []string{"docker.io/library/debian", "next:"}},
		{"look-alike host", "docker.io.example.com/library/debian" + zero, "", "", 6, []string{"docker.io/library/debian", "next:"}},
		{"look-alike in a Dockerfile", "", "FROM docker.io/library/debain" + zero + "\n", "", 6, []string{"looks like docker.io/library/debian", "next:"}},
		{"look-alike that is copied from", "", "FROM base\nCOPY --from=docker.io/library/ngnix" + zero + " /etc/nginx /etc/nginx\n", "", 6, []string{"looks like docker.io/library/nginx", "next:"}},
		{"tag alone", s.signed, "", "", 6, []string{"not pinned", "next:"}},
		{"tag alone in a Dockerfile", "", "FROM " + s.signed + "\n", "", 6, []string{"not pinned", "next:"}},
		{"not in the list", s.signed + at, "", images("allow: [docker.io/library/debian]"), 6, []string{"none of the allowed repositories", "bases.images.allow", "next:"}},
		{"unsigned", s.unsigned + at, "", byUs, 6, []string{"sign", "next:"}},
		{"unsigned in a Dockerfile", "", "FROM " + s.unsigned + at + "\n", byUs, 6, []string{"sign", "next:"}},
		{"signed by another key", s.signed + at, "", images("signedBy: [{key: other.pub}]"), 6, []string{"sign", "next:"}},
		{"too old", s.signed + at, "", images("maxAge: 1ns"), 6, []string{"was made on", "at most 1ns", "next:"}},
		{"signed and in the list", s.signed + at, "", images("allow: [\"" + s.host + "/team/*\"], signedBy: [{key: release.pub}], maxAge: 876000h"), 0, nil},
		{"tag, and the policy takes them", "", "FROM " + s.signed + "\nUSER root\nRUN touch /by-tag\n", images("allowTags: true, signedBy: [{key: release.pub}]"), 0, []string{s.signed + at}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.T = t
			s.on(tt.base, tt.dockerfile)
			policy := s.Policy(tt.policy)
			harness.WriteFile(t, filepath.Join(filepath.Dir(policy), "other.pub"), harness.Read(t, other+".pub"))
			s.Run("build", "--json", "--skip-tests", "--target", "container", "--policy", policy, "web").Want(t, tt.code, tt.texts...)
		})
	}
}
