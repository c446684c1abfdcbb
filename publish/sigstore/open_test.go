package sigstore_test

import (
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/publish/attest/sigstoretest"
	"github.com/bakelite/bakelite/publish/sigstore"
)

func start(t *testing.T) *sigstoretest.Sigstore {
	t.Helper()
	s, err := sigstoretest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// rootOf is an instance's trusted root.
func rootOf(t *testing.T, s *sigstoretest.Sigstore) sigstore.File {
	t.Helper()
	text, err := s.TrustedRoot()
	if err != nil {
		t.Fatal(err)
	}
	return sigstore.File{Name: "root.json", Text: text}
}

func text(name, content string) sigstore.File {
	return sigstore.File{Name: name, Text: []byte(content)}
}

func TestHalfAnInstanceIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		services sigstore.Services
		want     string
	}{
		"no root":           {sigstore.Services{Fulcio: "https://f", Rekor: "https://r"}, "its trusted root"},
		"no log":            {sigstore.Services{Fulcio: "https://f", Root: text("root.json", "{}")}, "or a timestamp authority"},
		"no Fulcio":         {sigstore.Services{Rekor: "https://r", Root: text("root.json", "{}")}, "the addresses of Fulcio"},
		"tiles, no time":    {sigstore.Services{Fulcio: "https://f", Rekor: "https://r", RekorVersion: 2, Root: text("root.json", "{}")}, "needs a timestamp authority"},
		"unknown version":   {sigstore.Services{Fulcio: "https://f", Rekor: "https://r", RekorVersion: 3, Root: text("root.json", "{}")}, "the versions 1 and 2"},
		"broken root":       {sigstore.Services{Fulcio: "https://f", Rekor: "https://r", Root: text("my.json", "{")}, "my.json"},
		"only a root given": {sigstore.Services{Root: text("root.json", "{}")}, "the addresses of Fulcio"},
	} {
		if _, err := tt.services.Open(t.Context()); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: kind %d, %v", name, fault.KindOf(err), err)
		}
	}
}

// TestTokensGoNowhereInTheClear: whoever reads on the way would sign as its
// owner, so each address is https or on this machine.
func TestTokensGoNowhereInTheClear(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://fulcio.example": true, "http://localhost:5555": true, "http://127.0.0.1:5555/x": true, "http://[::1]:5555": true,
		"http://fulcio.example": false, "http://localhost.example": false, "http://127.0.0.1.example": false, "http://10.0.0.1": false,
		"ftp://localhost": false, "https://": false, "fulcio.example": false, "": false, "https://a\x00b": false, "http://localhost@fulcio.example": false,
	} {
		if err := sigstore.CheckAddress(address); (err == nil) != ok || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", address, err)
		}
	}
	for name, s := range map[string]sigstore.Services{
		"Fulcio":     {Fulcio: "http://x.example", Rekor: "https://r"},
		"Rekor":      {Fulcio: "https://f", Rekor: "http://x.example"},
		"timestamps": {Fulcio: "https://f", Rekor: "https://r", Timestamp: "http://x.example"},
	} {
		s.Root = rootOf(t, start(t))
		if _, err := s.Open(t.Context()); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "x.example") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSigningConfigRefused(t *testing.T) {
	s := start(t)
	config, err := s.SigningConfig(2)
	if err != nil {
		t.Fatal(err)
	}
	whole, trusted := text("config.json", string(config)), rootOf(t, s)
	edit := func(old, new string) sigstore.File {
		t.Helper()
		if !strings.Contains(string(config), old) {
			t.Fatalf("the config lacks %q: %s", old, config)
		}
		return text("config.json", strings.Replace(string(config), old, new, 1))
	}
	if i, err := (sigstore.Services{Config: whole, Root: trusted}).Open(t.Context()); err != nil || i.Material == nil {
		t.Fatalf("the whole config: %v", err)
	}
	for name, tt := range map[string]struct {
		services sigstore.Services
		want     string
	}{
		"no JSON":            {sigstore.Services{Config: text("config.json", "{"), Root: trusted}, "config.json"},
		"another version":    {sigstore.Services{Config: edit("signingconfig.v0.2", "signingconfig.v0.1"), Root: trusted}, "media type"},
		"no Fulcio":          {sigstore.Services{Config: edit(`"caUrls"`, `"oidcUrls"`), Root: trusted}, "certificate authority"},
		"no time":            {sigstore.Services{Config: edit(`"tsaUrls"`, `"oidcUrls"`), Root: trusted}, "timestamp authority"},
		"plain http":         {sigstore.Services{Config: edit(s.URL(), "http://fulcio.example"), Root: trusted}, "fulcio.example"},
		"a root that is not": {sigstore.Services{Config: whole, Root: text("root.json", "{")}, "root.json"},
		"an address beside":  {sigstore.Services{Config: whole, Rekor: s.URL(), Root: trusted}, "beside"},
	} {
		if _, err := tt.services.Open(t.Context()); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: kind %d, %v", name, fault.KindOf(err), err)
		}
	}
	if n := len(s.Received(sigstoretest.FulcioPath)); n > 0 {
		t.Errorf("Fulcio was asked %d times", n)
	}
}
