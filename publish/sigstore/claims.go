package sigstore

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// claims are what a token says of itself. Fulcio verifies it; here they only
// explain a refusal, as Fulcio gives no reason.
type claims struct {
	Issuer   string    `json:"iss"`
	Audience audiences `json:"aud"`
	Expires  float64   `json:"exp"` // seconds since 1970
}

// audiences are one text or a list of them (RFC 7519, section 4.1.3).
type audiences []string

func (a *audiences) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audiences{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

func readClaims(token string) (claims, bool) {
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, false
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	return c, err == nil && json.Unmarshal(body, &c) == nil
}

// explainToken says what to do about a token that Fulcio refused.
func explainToken(token string, now time.Time) string {
	c, ok := readClaims(token)
	switch expires := time.Unix(int64(c.Expires), 0); {
	case !ok:
		return "the token is not an OIDC token (three parts with dots between): get one for the audience " + audience
	case c.Expires > 0 && !now.Before(expires):
		return fmt.Sprintf("the token expired at %s: get a new one, for the audience %s", expires.UTC().Format(time.RFC3339), audience)
	case !slices.Contains(c.Audience, audience):
		return fmt.Sprintf("the token is for the audience %.100q: get one for the audience %s", c.Audience, audience)
	}
	return fmt.Sprintf("look whether this Fulcio takes tokens of the issuer %.200q", c.Issuer)
}
