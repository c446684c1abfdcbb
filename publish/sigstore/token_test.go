package sigstore_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/publish/sigstore"
)

// actions is the address where GitHub Actions gives out tokens; it answers as
// it is told, and asked is what it was asked last.
type actions struct {
	*httptest.Server
	status int
	body   string
	asked  *http.Request
	times  int
}

func newActions(t *testing.T) *actions {
	t.Helper()
	a := &actions{status: http.StatusOK, body: `{"value":"the token"}`}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.asked = r
		a.times++
		w.WriteHeader(a.status)
		fmt.Fprint(w, a.body)
	}))
	t.Cleanup(a.Close)
	return a
}

func TestGitHubToken(t *testing.T) {
	a := newActions(t)
	got, err := sigstore.GitHubToken(a.URL+"/x?api-version=2.0", "BEARER")(t.Context())
	if err != nil || got != "the token" || a.asked.URL.Query().Get("audience") != "sigstore" ||
		a.asked.URL.Query().Get("api-version") != "2.0" || a.asked.Header.Get("Authorization") != "Bearer BEARER" {
		t.Errorf("got %q, %v; asked %v", got, err, a.asked.URL)
	}
	for name, tt := range map[string]struct {
		status int
		body   string
		kind   fault.Kind
		times  int
	}{
		"refused":         {http.StatusUnauthorized, "BEARER", fault.Policy, 1},
		"no JSON":         {http.StatusOK, "BEARER", fault.Network, 1},
		"no value":        {http.StatusOK, "{}", fault.Network, 1},
		"another success": {http.StatusAccepted, `{"value":"x"}`, fault.Network, 1},
		"a large token":   {http.StatusOK, `{"value":"` + strings.Repeat("x", 64<<10) + `"}`, fault.Network, 1},
		"out of order":    {http.StatusBadGateway, "BEARER", fault.Network, 4},
	} {
		a := newActions(t)
		a.status, a.body = tt.status, tt.body
		_, err := sigstore.GitHubToken(a.URL+"/x?code=BEARER", "BEARER")(t.Context())
		if fault.KindOf(err) != tt.kind || a.times != tt.times || strings.Contains(err.Error()+fault.HintOf(err), "BEARER") {
			t.Errorf("%s: kind %d, asked %d times, %v", name, fault.KindOf(err), a.times, err)
		}
	}
	if _, err = sigstore.GitHubToken("", "")(t.Context()); fault.KindOf(err) != fault.Missing || fault.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
	if _, err = sigstore.GitHubToken("http://elsewhere.example", "BEARER")(t.Context()); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a plain address: %v", err)
	}
}

// TestRedirectStealsNoBearer: an address that sends its client elsewhere gets
// nothing sent there.
func TestRedirectStealsNoBearer(t *testing.T) {
	thief := newActions(t)
	door := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusFound))
	defer door.Close()
	if got, err := sigstore.GitHubToken(door.URL, "BEARER")(t.Context()); fault.KindOf(err) != fault.Network || got != "" || thief.times > 0 {
		t.Errorf("got %q, %v; the other address was asked %d times", got, err, thief.times)
	}
}

// TestAddressOfATokenIsNotShown: its query may be a secret.
func TestAddressOfATokenIsNotShown(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	_, err := sigstore.GitHubToken(gone.URL+"/?code=SECRET", "BEARER")(t.Context())
	if fault.KindOf(err) != fault.Network || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("kind %d, %v", fault.KindOf(err), err)
	}
}

func TestFileToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if _, err := sigstore.FileToken(path)(t.Context()); fault.KindOf(err) != fault.Missing || !strings.Contains(fault.HintOf(err), "audience sigstore") {
		t.Errorf("no file: %v (%s)", err, fault.HintOf(err))
	}
	for content, want := range map[string]string{"file token\n": "file token", strings.Repeat("x", 64<<10+1): ""} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := sigstore.FileToken(path)(t.Context())
		if want == "" && fault.KindOf(err) != fault.Invalid || want != "" && (err != nil || got != want) {
			t.Errorf("%.20q: got %.20q, %v", content, got, err)
		}
	}
}

func TestRedact(t *testing.T) {
	quoting := fault.Hint(fault.New(fault.Policy, "refused SECRET twice: SECRET"), "do not send SECRET")
	got := sigstore.Redact(quoting, "SECRET")
	if fault.KindOf(got) != fault.Policy || got.Error() != "refused (hidden) twice: (hidden)" || fault.HintOf(got) != "do not send (hidden)" {
		t.Errorf("got %v (%s)", got, fault.HintOf(got))
	}
	if other := sigstore.Redact(quoting, "OTHER"); other != quoting {
		t.Errorf("another error: %v", other)
	}
	if sigstore.Redact(nil, "SECRET") != nil || sigstore.Redact(quoting, "") != quoting {
		t.Error("nothing to hide, and something was")
	}
}
