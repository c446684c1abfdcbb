package sigstore

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// TokenSource returns an OIDC token for Sigstore. It is asked once per Sign.
type TokenSource func(ctx context.Context) (string, error)

// maxToken bounds a token, in bytes.
const maxToken = 64 << 10

// audience is whom a token must be for, so that Fulcio takes it.
const audience = "sigstore"

// GitHubToken asks GitHub Actions for a token. address and bearer are the
// values of ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN,
// which a workflow has with the permission id-token: write.
func GitHubToken(address, bearer string) TokenSource {
	return func(ctx context.Context) (string, error) {
		if address == "" || bearer == "" {
			return "", fault.Hint(fault.New(fault.Missing, "GitHub Actions gives this workflow no token"),
				"add the permission id-token: write to the job")
		}
		target, err := url.Parse(address)
		if err != nil || !private(target) {
			return "", fault.New(fault.Invalid, "ACTIONS_ID_TOKEN_REQUEST_URL is not an https address")
		}
		query := target.Query()
		query.Set("audience", audience)
		target.RawQuery = query.Encode()
		return fetchToken(ctx, target.String(), bearer)
	}
}

func fetchToken(ctx context.Context, target, bearer string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return "", fault.New(fault.Internal, "asking for a token: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	response, err := (&http.Client{Transport: retrying(ctx, "GitHub Actions"), CheckRedirect: noRedirect}).Do(request)
	if err != nil {
		return "", fault.As(fault.Network, withoutURL(err))
	}
	defer response.Body.Close()
	var answer struct {
		Value string `json:"value"`
	}
	text, err := limit.ReadAll(response.Body, maxToken, "the token")
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if response.StatusCode >= 400 && response.StatusCode < 500 { // asking again gives the same, so nothing else signs instead
		return "", fault.Hint(fault.New(fault.Policy, "GitHub Actions refused a token (%s)", response.Status),
			"give the job the permission id-token: write, and sign within the same job")
	}
	if err != nil || answer.Value == "" || response.StatusCode != http.StatusOK {
		return "", fault.New(fault.Network, "GitHub Actions gave no token (%s)", response.Status)
	}
	return answer.Value, nil
}

// noRedirect keeps a bearer token from following a redirect elsewhere.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// FileToken reads the token from a file, as GitLab and Kubernetes give it.
func FileToken(path string) TokenSource {
	return func(context.Context) (string, error) {
		text, err := readBounded(path, maxToken, "OIDC token")
		return strings.TrimSpace(string(text)), fault.Hint(err, "write a token for the audience %s to that file; in GitHub Actions none is needed", audience)
	}
}

// TextToken returns a token that the caller has, from an environment variable.
func TextToken(token string) TokenSource {
	return func(context.Context) (string, error) { return strings.TrimSpace(token), nil }
}

func readBounded(path string, max int64, what string) ([]byte, error) {
	file, err := os.Open(path) //nolint:forbidigo // a token may come by the user's own pipe
	if err != nil {
		return nil, fault.New(fault.Missing, "opening the %s: %w", what, err)
	}
	defer file.Close()
	text, err := limit.ReadAll(file, max, "the "+what+" "+path)
	if err != nil {
		return nil, fault.As(fault.Invalid, err)
	}
	return text, nil
}
