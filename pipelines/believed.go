package pipelines

import (
	"context"
	"io"

	"github.com/bakelite/bakelite/internal/vouch"
)

// lastBuild returns the receipt of an app's last build where this state
// folder's key vouches for it, and else an empty one: then there is work.
func (k Kitchen) lastBuild(ctx context.Context, app string) (Receipt, error) {
	r, foreign := k.vouched(app)
	if !foreign {
		return r, nil
	}
	return r, k.Progress.Do(ctx, "[receipt] "+app, func(_ context.Context, log io.Writer) (bool, error) {
		return false, warn(log, receiptPath(k.Output, app)+" was not written with this state folder and counts for nothing. To publish what was built elsewhere, give the digest that build --json told: bakelite publish --receipt sha256:…")
	})
}

// vouched is lastBuild without a word; foreign says that there is a receipt for
// which the key does not vouch.
func (k Kitchen) vouched(app string) (r Receipt, foreign bool) {
	r, err := ReadReceipt(k.Output, app)
	if err != nil {
		return Receipt{}, false
	}
	if _, ours := k.Vouch.Noted(vouch.Receipt, r.digest); ours {
		return r, false
	}
	return Receipt{}, true
}
