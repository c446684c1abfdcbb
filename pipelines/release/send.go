package release

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
)

// versionFree refuses what a version could not be given to, before any of it is
// scanned and signed.
func (p Publisher) versionFree(ctx context.Context, subjects []subject, o Options) error {
	if o.Version == "" {
		return nil
	}
	for _, s := range subjects {
		store, _, err := registry.Open(s.repository, p.Registry)
		if err == nil {
			err = registry.CheckVersion(ctx, store, o.Version, s.content.Manifest)
		}
		if err != nil {
			return fmt.Errorf("publishing the %s: %w", s.name, err)
		}
	}
	return nil
}

// sendAll sends all subjects before any of them has a name, so that the names
// of an app don't lead to a new image and an old disk for longer than it takes
// to move them, and says what is where.
func (p Publisher) sendAll(ctx context.Context, subjects []subject, signed []attest.Signed, o Options) ([]results.Publication, error) {
	sent := make([]publish.Sent, len(subjects))
	all := make([]results.Publication, len(subjects))
	for _, step := range []func(i int) error{
		func(i int) (err error) {
			sent[i], err = p.send(ctx, subjects[i], signed[i], o)
			return err
		},
		func(i int) (err error) {
			all[i], err = p.name(ctx, subjects[i], signed[i], sent[i])
			return err
		},
	} {
		for i, s := range subjects {
			if err := step(i); err != nil {
				return nil, fmt.Errorf("publishing the %s: %w", s.name, err)
			}
		}
	}
	return all, nil
}

// send sends one subject with what was signed about it.
func (p Publisher) send(ctx context.Context, s subject, signed attest.Signed, o Options) (publish.Sent, error) {
	store, _, err := registry.Open(s.repository, p.Registry)
	if err != nil {
		return publish.Sent{}, err
	}
	if err := room(ctx, store, s, signedAnew(signed)); err != nil {
		return publish.Sent{}, err
	}
	return progress.Do(ctx, "[publish] "+s.name+" to "+s.repository, func(ctx context.Context, _ io.Writer) (publish.Sent, error) {
		return publish.Send(ctx, store, publish.Publication{Content: s.content, Signed: signed, Version: o.Version, Tags: []string{registry.Tag}})
	})
}

// name moves the names to one subject that was sent.
func (p Publisher) name(ctx context.Context, s subject, signed attest.Signed, sent publish.Sent) (results.Publication, error) {
	at := time.Now().UTC().Truncate(time.Second)
	done, err := progress.Do(ctx, "[publish] name the "+s.name, func(ctx context.Context, _ io.Writer) (publish.Published, error) {
		return sent.Name(ctx)
	})
	if err != nil {
		return results.Publication{}, err
	}
	named := results.Publication{
		Kind: s.kind, Repository: s.repository, Ref: done.Ref, Digest: s.digest(), Tags: done.Tags, Signer: signed.Signer(),
		Uploaded: done.Uploaded, Skipped: done.Skipped, At: at,
	}
	for _, r := range done.Referrers {
		named.Referrers = append(named.Referrers, r.String())
	}
	return named, p.writeBeside(ctx, s, signed)
}

func signedAnew(s attest.Signed) (n int) {
	for _, b := range s.Bundles() {
		if !b.Reused {
			n++
		}
	}
	return n
}

// room refuses to attach more to a digest than anybody reads. What fails here
// fails in sending, and says more there.
func room(ctx context.Context, store registry.Reader, s subject, more int) error {
	there, err := store.Referrers(ctx, s.content.Manifest.Digest)
	if err != nil || len(there)+more <= attest.MaxBundles {
		return nil
	}
	err = fault.New(fault.Policy, "%d statements are attached to %s, and with %d more nobody would read them", len(there), s.digest(), more)
	return fault.Hint(err, "remove from %s the reports and verdicts that the last publication does not list below referrers, such as with: oras manifest delete", s.repository)
}

// writeBeside puts the bundles and a checksum beside each file of a disk: one
// bundle a line, the signature first.
func (p Publisher) writeBeside(ctx context.Context, s subject, signed attest.Signed) error {
	if !s.beside {
		return nil
	}
	var lines strings.Builder
	for _, b := range signed.Bundles() {
		lines.Write(b.JSON)
		lines.WriteByte('\n')
	}
	for _, m := range s.made {
		sum := strings.TrimPrefix(m.Digest, "sha256:") + "  " + filepath.Base(m.Path) + "\n"
		if err := results.WriteFile(m.Path+".sha256", []byte(sum)); err != nil {
			return err
		}
		if err := results.WriteFile(m.Path+results.BundlesSuffix, []byte(lines.String())); err != nil {
			return err
		}
	}
	for _, path := range s.besides() {
		if err := p.Folder.Vouch.NoteTree(ctx, vouch.Publication, path, path); err != nil {
			return err
		}
	}
	return nil
}

// besides are the files with bundles and digests that stand beside a disk's.
func (s subject) besides() []string {
	var all []string
	for _, m := range s.made {
		if s.beside {
			all = append(all, m.Path+".sha256", m.Path+results.BundlesSuffix)
		}
	}
	return all
}
