package pipelines

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/publish"
)

// earlier is the receipt of an app's last build, as far as it is believed:
// empty where there is none that counts, and then there is work.
type earlier struct {
	Receipt
	// digest is that of the receipt's file.
	digest string
	// named says that the receipt was made elsewhere and counts by its digest.
	named bool
}

// lastBuild reads the receipt of an app's last build. It counts where this
// state folder's key vouches for it. Where receipts are named by their digests
// one of those counts, and another one is fault.Integrity.
func (k Kitchen) lastBuild(ctx context.Context, name string, receipts []string) (earlier, error) {
	r, digest, err := readReceipt(k.Output, name)
	if err != nil && len(receipts) > 0 {
		return earlier{}, fault.Hint(err, "bring the receipt and the artifacts that it lists to %s", k.Output)
	}
	if err != nil {
		return earlier{}, nil
	}
	path := receiptPath(k.Output, name)
	if slices.Contains(receipts, digest) {
		return earlier{r, digest, true}, nil
	}
	if len(receipts) > 0 {
		err := fault.New(fault.Integrity, "%s is %s, which is not among the receipts that count", path, digest)
		return earlier{}, fault.Hint(err, "do not publish it; look who changed it between the two jobs")
	}
	if _, ours := k.Vouch.Noted(vouch.Receipt, digest); ours {
		return earlier{r, digest, false}, nil
	}
	return earlier{}, k.Progress.Do(ctx, "[receipt] "+name, func(_ context.Context, log io.Writer) (bool, error) {
		return false, warn(log, path+" was not written with this state folder and counts for nothing. To publish what was built elsewhere, give the digest that the build printed: bakelite publish --receipt sha256:…")
	})
}

// fits says what keeps a receipt that was named from serving a build.
func (e earlier) fits(ctx context.Context, a app.App, key string, o BuildOptions) error {
	refuse := func(why, remedy string) error {
		return fault.Hint(fault.New(fault.Invalid, "the receipt %s is not of this build of %s: %s", e.digest, a.Name, why), "%s", remedy)
	}
	switch asked := e.of(o.Targets); {
	case e.Key != key:
		return refuse("the app file, the lock or Bakelite is another one", "publish with those that it was built by")
	case !slices.Equal(asked.kinds(), o.Targets):
		return refuse(fmt.Sprintf("it lists %q", asked.kinds()), "build both kinds, or name one with --target")
	case asked.TestsSkipped && !o.SkipTests:
		return refuse("the tests were left out", "build without --skip-tests, or publish with it")
	default:
		return asked.whole(ctx)
	}
}

// whole compares all that a receipt lists with its digests: of what came from
// elsewhere dates say nothing. An archive is not published, its layout is.
func (r Receipt) whole(ctx context.Context) error {
	for _, m := range r.Artifacts {
		var err error
		switch {
		case m.Format == "layout":
			_, err = publish.Image(ctx, m.Path, m.Digest)
		case m.Kind == artifact.Disk:
			err = sameFile(ctx, m)
		}
		if err != nil {
			return fault.Hint(fmt.Errorf("comparing with the receipt: %w", err), "do not publish it; look who changed it between the two jobs")
		}
	}
	return nil
}

// sameFile compares a file with its digest.
func sameFile(ctx context.Context, m artifact.Artifact) error {
	got, err := publish.FileDigest(ctx, m.Path)
	if err == nil && got.String() != m.Digest {
		err = fault.New(fault.Integrity, "%s is %s: it was %s when it was made", m.Path, got, m.Digest)
	}
	return err
}
