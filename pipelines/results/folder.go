// Package results is the folder that flows leave their results in: what they
// are named, who has an app's place in it, the receipt of what was built and
// the record of what was published. Of what lies there it believes what the
// state folder's own key vouches for.
package results

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/vouch"
)

// Folder is a folder of results.
type Folder struct {
	Path string
	// Vouch tells what this state folder's own commands noted from what others
	// wrote.
	Vouch vouch.Key
}

// BundlesSuffix ends the name of the file with a disk file's bundles.
const BundlesSuffix = ".sigstore.jsonl"

// Layout is where an app's image lies.
func (f Folder) Layout(app string) string { return filepath.Join(f.Path, app+".oci") }

// Hold waits until nobody else has an app's place in the folder, and returns
// what gives it back.
func (f Folder) Hold(ctx context.Context, app string) (release func(), err error) {
	place, err := f.place(app)
	if err != nil {
		return nil, fault.Hint(fault.As(fault.Invalid, err), "name a folder that you may write to with --output or BAKELITE_OUTPUT")
	}
	if !taken(place) {
		err = progress.Run(ctx, "[wait] for another build of "+app, func(ctx context.Context, _ io.Writer) error { return awaitTaken(ctx, place) })
	}
	if err != nil {
		_ = place.Close()
		return nil, err
	}
	return func() { _ = place.Close() }, nil
}

// Free says whether nobody has an app's place.
func (f Folder) Free(app string) (bool, error) {
	place, err := f.place(app)
	if err != nil {
		return false, err
	}
	defer place.Close()
	return taken(place), nil
}

// place opens the file that whoever has an app's place has locked.
func (f Folder) place(app string) (*os.File, error) {
	if err := os.MkdirAll(f.Path, 0o755); err != nil {
		return nil, fmt.Errorf("making output folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(f.Path, "."+app+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening lock of output folder: %w", err)
	}
	return file, nil
}

func taken(f *os.File) bool { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil }

func awaitTaken(ctx context.Context, f *os.File) error {
	for !taken(f) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}
