package pipelines

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/protocol"
)

// finish tests what was made and only then gives it its names, the receipt
// last. Old is the receipt of the build before, r what this one's begins with.
func (k Kitchen) finish(ctx context.Context, w *work, old, r Receipt, o BuildOptions) (_ Receipt, err error) {
	if r.Tests, err = k.test(ctx, w.app, w, o); err != nil {
		return r, err
	}
	if err := k.forget(r.App); err != nil {
		return r, err
	}
	if err := w.name(); err != nil {
		return r, err
	}
	if err := w.clear(old.of(o.Targets)); err != nil {
		return r, err
	}
	r.Made, r.Artifacts, r.TestsSkipped = time.Now().UTC(), w.made, o.SkipTests
	r.Steps, r.CacheMounts = k.Progress.Steps(), w.source.Caches.Used()
	if old.Key == r.Key {
		r = r.with(old)
	}
	err = k.writeReceipt(&r)
	return r, err
}

// test runs the declared tests on what was made and checks its hardening;
// where a test fails, nothing gets its name and the artifacts are kept for
// study.
func (k Kitchen) test(ctx context.Context, a app.App, w *work, o BuildOptions) (map[string]Tested, error) {
	tests := map[string]Tested{}
	if o.SkipTests {
		return tests, nil
	}
	var made []artifact.Artifact
	var roots []protocol.Root
	for _, kind := range o.Targets {
		m := w.bootable(kind)
		made, roots = append(made, m), append(roots, root(a.Name, kind, m, m.Path))
	}
	var hardening [][]controls.Result
	group, within := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		hardening, err = k.hardened(within, a, roots)
		return err
	})
	group.Go(func() error { return k.testEach(within, a, made, tests) })
	switch err := group.Wait(); {
	case fault.KindOf(err) == fault.Policy:
		return nil, w.keep(err)
	case err != nil:
		return nil, err
	}
	for i, kind := range o.Targets {
		tested := tests[kind]
		tested.Hardening = hardening[i]
		tests[kind] = tested
	}
	return tests, nil
}

// testEach runs the declared tests on one artifact after the other.
func (k Kitchen) testEach(ctx context.Context, a app.App, made []artifact.Artifact, tests map[string]Tested) error {
	for _, m := range made {
		err := k.Progress.Do(ctx, "[test] "+m.Kind, func(ctx context.Context, log io.Writer) (bool, error) {
			tested, err := k.Testers[m.Kind].Test(ctx, a, m, log)
			tests[m.Kind] = tested
			if err != nil {
				return false, err
			}
			return false, verdict(tested, log)
		})
		if err != nil && fault.KindOf(err) != fault.Policy {
			err = fmt.Errorf("testing the %s: %w", m.Kind, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// verdict shows each result and returns the failed ones as one error.
func verdict(t Tested, log io.Writer) error {
	var failed []string
	for _, r := range t.Results {
		word := "ok  "
		if !r.Passed {
			word = "FAIL"
			failed = append(failed, r.Artifact+": "+r.Name+": "+r.Detail)
		}
		_, _ = fmt.Fprintf(log, "%s %s (%.1f s) %s\n", word, r.Name, r.Seconds, r.Detail)
	}
	if len(failed) > 0 {
		return fault.New(fault.Policy, "%d of %d checks failed:\n  %s", len(failed), len(t.Results), strings.Join(failed, "\n  "))
	}
	return nil
}

// bootable returns the artifact of a kind that tests run on.
func (w *work) bootable(kind string) artifact.Artifact {
	return bootableOf(slices.DeleteFunc(slices.Clone(w.made), func(a artifact.Artifact) bool { return a.Kind != kind }))
}

// bootableOf returns the one of an image's or disk's forms that is booted,
// run and scanned.
func bootableOf(made []artifact.Artifact) artifact.Artifact {
	var found artifact.Artifact
	for _, a := range made {
		if found.Path == "" || a.Format == "qcow2" {
			found = a
		}
	}
	return found
}

// keep moves what failed its tests to a folder for study.
func (w *work) keep(cause error) error {
	dir := filepath.Join(w.kitchen.Output, w.app.Name+".failed")
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing older failed build: %w", err)
	}
	if err := os.Rename(w.dir, dir); err != nil {
		return fmt.Errorf("keeping failed build: %w", err)
	}
	return fault.Hint(cause, "nothing was given its final name; what was made is kept in %s", dir)
}

// name gives everything that was made its final name, one atomic step each.
func (w *work) name() error {
	var named []artifact.Artifact
	for _, a := range w.made {
		if a.Kind == artifact.Container {
			image, err := w.nameImage(a)
			if err != nil {
				return err
			}
			named = append(named, image...)
			continue
		}
		final := filepath.Join(w.kitchen.Output, filepath.Base(a.Path))
		if err := os.Rename(a.Path, final); err != nil {
			return fmt.Errorf("naming disk: %w", err)
		}
		a.Path = final
		named = append(named, a)
	}
	w.made = named
	return nil
}

// nameImage returns the layout, and the archive where one is asked for:
// running and publishing take the layout.
func (w *work) nameImage(a artifact.Artifact) ([]artifact.Artifact, error) {
	layout := w.kitchen.layoutPath(w.app.Name)
	if err := oci.Replace(layout, a.Path); err != nil {
		return nil, err
	}
	a.Path, a.Ref = layout, layout+"@"+a.Digest
	if w.app.Container.Format != "archive" {
		return []artifact.Artifact{a}, nil
	}
	packed := a
	packed.Format, packed.Ref, packed.Path = "archive", "", layout+".tar"
	if err := oci.Archive(layout, packed.Path); err != nil {
		return nil, err
	}
	info, err := os.Stat(packed.Path)
	if err != nil {
		return nil, fmt.Errorf("reading archive: %w", err)
	}
	packed.Size = info.Size()
	return []artifact.Artifact{a, packed}, nil
}

// clear removes what the new artifacts replace: files that only the old
// receipt lists, with what was signed beside them, and a failed build.
func (w *work) clear(old Receipt) error {
	current := map[string]bool{}
	for _, a := range w.made {
		current[filepath.Base(a.Path)] = true
	}
	names := []string{w.app.Name + ".failed"}
	for _, a := range old.Artifacts {
		if name := filepath.Base(a.Path); !current[name] && strings.HasPrefix(name, w.app.Name+".") {
			names = append(names, name, name+".sha256", name+BundlesSuffix)
		}
	}
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(w.kitchen.Output, name)); err != nil {
			return fmt.Errorf("removing what was replaced: %w", err)
		}
	}
	return nil
}
