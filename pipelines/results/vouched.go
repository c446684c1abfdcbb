package results

import (
	"context"
	"io"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/vouch"
)

// LastBuild returns the receipt of an app's last build where this state
// folder's key vouches for it, and else an empty one: then there is work.
func (f Folder) LastBuild(ctx context.Context, app string) (Receipt, error) {
	r, foreign := f.Vouched(app)
	if !foreign {
		return r, nil
	}
	return r, progress.Run(ctx, "[receipt] "+app, func(_ context.Context, log io.Writer) error {
		return progress.Warn(log, f.ReceiptPath(app)+" was not written with this state folder and counts for nothing. To publish what was built elsewhere, give the digest that build --json told: bakelite publish --receipt sha256:…")
	})
}

// Vouched is LastBuild without a word; foreign says that there is a receipt for
// which the key does not vouch.
func (f Folder) Vouched(app string) (r Receipt, foreign bool) {
	r, err := f.Receipt(app)
	if err != nil {
		return Receipt{}, false
	}
	if _, ours := f.Vouch.Noted(vouch.Receipt, r.digest); ours {
		return r, false
	}
	return Receipt{}, true
}
