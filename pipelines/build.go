package pipelines

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/templates"
)

// BuildOptions narrow a build.
type BuildOptions struct {
	// Targets are artifact.Container and artifact.Disk; empty means both.
	Targets []string
	// Frozen refuses to write a lock.
	Frozen bool
	// SkipTests leaves the declared tests out; the receipt says so.
	SkipTests bool
	// Rollback is LockOptions', for a lock that is made anew.
	Rollback bool
	// Receipt is the digest of the receipt of a build elsewhere, "" for none:
	// what it lists is taken from the output folder, and nothing is baked.
	Receipt string
}

// Built is the result of a build.
type Built struct {
	Receipt
	// Rebuilt is false where the artifacts that are there were up to date.
	Rebuilt bool
	// Changes are the packages that an update brought.
	Changes []lock.Change
	// Published says what went where, where publishing was asked for.
	Published []Publication

	lock *lock.Lock // what it was built from
}

// Build is the forward flow: load, lock, build, test, and only then move the
// names and write the receipt.
func (k Kitchen) Build(ctx context.Context, a app.App, o BuildOptions) (*Built, error) {
	if err := k.allowed(a); err != nil {
		return nil, err
	}
	release, err := k.hold(ctx, a.Name)
	if err != nil {
		return nil, err
	}
	defer release()
	l, err := k.locked(ctx, a, o)
	if err != nil {
		return nil, err
	}
	return k.build(ctx, a, l, o)
}

// build builds from a lock; the caller holds the app's place.
func (k Kitchen) build(ctx context.Context, a app.App, l *lock.Lock, o BuildOptions) (*Built, error) {
	o.Targets = targets(o.Targets)
	started := time.Now().UTC()
	if err := k.trusted(ctx, a, l); err != nil {
		return nil, err
	}
	key, err := k.key(a, l)
	if err != nil {
		return nil, err
	}
	if o.Receipt != "" {
		return k.handedOver(ctx, l, key, o)
	}
	old, err := k.lastBuild(ctx, a.Name)
	if err != nil {
		return nil, err
	}
	if old.Key == key && old.serves(o) {
		return &Built{Receipt: old.of(o.Targets), lock: l}, nil
	}
	w, err := k.bake(ctx, a, l, o.Targets)
	if err != nil {
		return nil, err
	}
	defer w.discard()
	r, err := k.finish(ctx, w, old, Receipt{App: a.Name, Key: key, LockDigest: l.Digest(), Bakelite: k.Version, Started: started}, o)
	if err != nil {
		return nil, err
	}
	return &Built{Receipt: r.of(o.Targets), Rebuilt: true, lock: l}, nil
}

func targets(asked []string) []string {
	if len(asked) == 0 {
		return []string{artifact.Container, artifact.Disk}
	}
	return slices.Compact(slices.Sorted(slices.Values(asked)))
}

// hold waits until no other build of the app uses the output folder.
func (k Kitchen) hold(ctx context.Context, name string) (func(), error) {
	f, err := k.lockFile(name)
	if err != nil {
		return nil, fault.Hint(fault.As(fault.Invalid, err), "name a folder that you may write to with --output or BAKELITE_OUTPUT")
	}
	if !taken(f) {
		err = k.Progress.Do(ctx, "[wait] for another build of "+name, func(ctx context.Context, _ io.Writer) (bool, error) {
			return false, awaitTaken(ctx, f)
		})
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

func (k Kitchen) lockFile(name string) (*os.File, error) {
	if err := os.MkdirAll(k.Output, 0o755); err != nil {
		return nil, fmt.Errorf("making output folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(k.Output, "."+name+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening lock of output folder: %w", err)
	}
	return f, nil
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

// key is the digest of everything that decides the artifacts' bytes: what was
// asked, what is pinned, and Bakelite's own recipe.
func (k Kitchen) key(a app.App, l *lock.Lock) (string, error) {
	a.Update = app.Update{} // when to build is no part of what is built
	asked, err := app.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("writing app: %w", err)
	}
	var certificate []byte // a signature by the same key has the same bytes
	if k.SecureBoot != nil {
		certificate = k.SecureBoot.Certificate.Raw
	}
	worker, err := k.TreeProgram()
	if err != nil {
		return "", err
	}
	program, err := k.Service()
	if err != nil {
		return "", err
	}
	text, err := json.Marshal([]any{certificate, sha256.Sum256(program), sha256.Sum256(worker), string(asked), l.Digest(), k.Version, k.Revision, templates.Digest(),
		k.applied(a, artifact.Container), k.applied(a, artifact.Disk)})
	if err != nil {
		return "", fmt.Errorf("writing key: %w", err)
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
