package sigstore

import (
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
)

// Redact rewrites an error that quotes a secret, since a service may echo
// what it was sent; any other error stays as it is.
func Redact(err error, secret string) error {
	if err == nil || secret == "" || !strings.Contains(err.Error(), secret) {
		return err
	}
	hidden := fault.New(fault.KindOf(err), "%s", strings.ReplaceAll(err.Error(), secret, "(hidden)"))
	if hint := fault.HintOf(err); hint != "" {
		return fault.Hint(hidden, "%s", strings.ReplaceAll(hint, secret, "(hidden)"))
	}
	return hidden
}
