package attest

import "github.com/sigstore/sigstore-go/pkg/sign"

// SignAny signs a statement that Sign would not.
func SignAny(about Subject, s Statement, key KeySigner) ([]byte, error) {
	pair, err := newKeypair(key)
	if err != nil {
		return nil, err
	}
	b, err := makeBundle(about, s, pair, sign.BundleOptions{})
	return b.JSON, err
}
