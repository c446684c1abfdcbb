//go:build goexperiment.jsonv2

package analysis

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"

	"github.com/aquasecurity/trivy/pkg/fanal/analyzer"
	"github.com/aquasecurity/trivy/pkg/fanal/types"
	xio "github.com/aquasecurity/trivy/pkg/x/io"
	xos "github.com/aquasecurity/trivy/pkg/x/os"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/scan/content"
)

const (
	// InMemory is the size, in bytes, from which a file is put on disk, below
	// $TMPDIR, while it is analysed.
	InMemory = 32 << 20
	// heldBytes is the size of all files held in memory at one time.
	heldBytes = 64 << 20
)

// walk is the analysis of one tree. Files are read in their order, and
// analysed side by side.
type walk struct {
	ctx       context.Context
	engine    *Engine
	composite *analyzer.CompositeFS
	result    *analyzer.AnalysisResult
	group     *errgroup.Group
	held      *semaphore.Weighted
	lists     []string // RPM's and apk's lists of packages
	git       map[string]bool
	claims    claims
}

func newWalk(ctx context.Context, e *Engine, composite *analyzer.CompositeFS) *walk {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	return &walk{ctx: ctx, engine: e, composite: composite, result: analyzer.NewAnalysisResult(), group: group, held: semaphore.NewWeighted(heldBytes), git: map[string]bool{}, claims: claims{sums: map[string]string{}, others: map[manager][]string{}}}
}

func (w *walk) wait() error { return w.group.Wait() }

func (w *walk) visit(f content.File) error {
	w.gitIn(f.Path)
	wanted, err := w.engine.wanted(f)
	if err != nil {
		return err
	}
	later := w.engine.group.RequiredPostAnalyzers(f.Path, f.Info)
	if wanted || len(later) > 0 {
		w.note(f)
	} else if f.Info.Size() < leastSecret {
		return nil
	}
	if !wanted && len(later) == 0 && f.Info.Size() >= InMemory {
		return w.pass(f)
	}
	body, err := w.load(f)
	if err != nil {
		return err
	}
	if len(later) > 0 {
		if err := w.keep(f, body, later); err != nil {
			body.drop()
			return err
		}
	}
	w.group.Go(func() error {
		defer body.drop()
		if wanted || len(later) > 0 {
			if err := w.claims.see(f, body); err != nil {
				return err
			}
		}
		return w.analyse(f, body, wanted)
	})
	return nil
}

// keep puts the file where the analysers find it that need several files.
func (w *walk) keep(f content.File, body *body, later []analyzer.Type) error {
	place, err := w.composite.CopyFileToTemp(body.reader, f.Info)
	if err != nil {
		return fmt.Errorf("keeping %s: %w", f.Path, err)
	}
	if err := w.composite.CreateLink(later, "", f.Path, place); err != nil {
		return fmt.Errorf("keeping %s: %w", f.Path, err)
	}
	w.claims.keep(f.Path, place)
	return nil
}

func (w *walk) analyse(f content.File, body *body, wanted bool) error {
	if !wanted {
		found, err := w.secretsOf(f, body)
		w.result.Merge(&analyzer.AnalysisResult{Secrets: found})
		return err
	}
	key, err := body.key(f)
	if err != nil {
		return err
	}
	result, known := w.engine.memo.get(key)
	if !known {
		if result, err = w.engine.file(w.ctx, f, body.reader); err != nil {
			return err
		}
		if result.Secrets, err = w.secretsOf(f, body); err != nil {
			return err
		}
		w.engine.memo.put(key, result)
	}
	w.result.Merge(w.withhold(f.Path, result))
	return nil
}

// note remembers lists of packages whose analysers keep their errors to
// themselves.
func (w *walk) note(f content.File) {
	if f.Info.Size() == 0 {
		return
	}
	if name := path.Base(f.Path); strings.HasSuffix(f.Path, "lib/apk/db/installed") || name == "rpmdb.sqlite" || strings.Contains(f.Path, "rpm/Packages") {
		w.lists = append(w.lists, f.Path)
	}
}

// complete refuses a tree whose list of packages gave none: it was broken.
func (w *walk) complete(blob types.BlobInfo) error {
	if len(w.lists) > 0 && len(blob.PackageInfos) == 0 {
		return fault.New(fault.Integrity, "the list of packages %s could not be read", w.lists[0])
	}
	return nil
}

// body is the content of one file, in memory or on disk.
type body struct {
	data []byte
	path string
	drop func()
}

func (b *body) reader() (xio.ReadSeekCloserAt, error) {
	if b.path != "" {
		return regular.Open(b.path)
	}
	return xio.NopCloser(bytes.NewReader(b.data)), nil
}

func (w *walk) load(f content.File) (*body, error) {
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", f.Path, err)
	}
	defer r.Close()
	size := f.Info.Size()
	if size >= InMemory {
		return w.spill(f, r)
	}
	if err := w.held.Acquire(w.ctx, size); err != nil {
		return nil, err
	}
	b := &body{data: make([]byte, size), drop: func() { w.held.Release(size) }}
	if _, err := io.ReadFull(r, b.data); err != nil {
		b.drop()
		return nil, fmt.Errorf("reading %s: %w", f.Path, err)
	}
	return b, nil
}

func (w *walk) spill(f content.File, r io.Reader) (*body, error) {
	file, err := xos.CreateTemp("", "file-")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b := &body{path: file.Name(), drop: func() { _ = os.Remove(file.Name()) }}
	n, err := io.Copy(file, io.LimitReader(r, f.Info.Size()))
	if err == nil && n < f.Info.Size() {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		b.drop()
		return nil, &fs.PathError{Op: "read", Path: f.Path, Err: err}
	}
	return b, nil
}
