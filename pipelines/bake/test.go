package bake

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

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/protocol"
)

// finish tests what was made and only then gives it its names, the receipt
// last. Old is the receipt of the build before, r what this one's begins with.
func (w *work) finish(ctx context.Context, old, r results.Receipt, o Options) (_ results.Receipt, err error) {
	if r.Tests, err = w.test(ctx, o); err != nil {
		return r, err
	}
	if err := w.baker.Folder.Forget(r.App); err != nil {
		return r, err
	}
	if err := w.name(); err != nil {
		return r, err
	}
	if err := w.clear(old.Of(o.Targets)); err != nil {
		return r, err
	}
	r.Made, r.Artifacts, r.TestsSkipped = time.Now().UTC(), w.made, o.SkipTests
	r.Steps, r.CacheMounts = progress.From(ctx).Steps(), w.session.Caches.Used()
	if old.Key == r.Key {
		r = r.With(old)
	}
	err = w.baker.Folder.WriteReceipt(&r)
	return r, err
}

// test runs the declared tests on what was made and checks its hardening;
// where a test fails, nothing gets its name and the artifacts are kept for
// study.
func (w *work) test(ctx context.Context, o Options) (map[string]results.Tested, error) {
	tests := map[string]results.Tested{}
	if o.SkipTests {
		return tests, nil
	}
	var made []artifact.Artifact
	var roots []protocol.Root
	for _, kind := range o.Targets {
		m := w.bootable(kind)
		made, roots = append(made, m), append(roots, examine.Root(w.app.Name, kind, m, m.Path))
	}
	var hardening [][]controls.Result
	group, within := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		hardening, err = w.baker.Hardening.Check(within, w.app, roots)
		return err
	})
	group.Go(func() error { return w.testEach(within, made, tests) })
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
func (w *work) testEach(ctx context.Context, made []artifact.Artifact, tests map[string]results.Tested) error {
	for _, m := range made {
		err := progress.Run(ctx, "[test] "+m.Kind, func(ctx context.Context, log io.Writer) error {
			tested, err := w.baker.Testers[m.Kind].Test(ctx, w.app, m, log)
			tests[m.Kind] = tested
			if err != nil {
				return err
			}
			return verdict(tested, log)
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
func verdict(t results.Tested, log io.Writer) error {
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
	return examine.Bootable(slices.DeleteFunc(slices.Clone(w.made), func(a artifact.Artifact) bool { return a.Kind != kind }))
}

// keep moves what failed its tests to a folder for study.
func (w *work) keep(cause error) error {
	dir := filepath.Join(w.baker.Folder.Path, w.app.Name+".failed")
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing older failed build: %w", err)
	}
	if err := os.Rename(w.dir, dir); err != nil {
		return fmt.Errorf("keeping failed build: %w", err)
	}
	return fault.Hint(cause, "nothing was given its final name; what was made is kept in %s", dir)
}
