package tree

import (
	"cmp"
	"errors"

	"github.com/bakelite/bakelite/builders/tree/dpkg"
)

// noteEvidence notes what packages are known and judged by, before anything of
// the app's own is put into the tree.
func (w *work) noteEvidence() (err error) {
	if !w.Evidence {
		return nil
	}
	from := w.tree
	if w.before != nil {
		from = w.before
	}
	w.evidence, err = dpkg.ReadEvidence(from)
	return err
}

// judgeEvidence refuses what changes that: what the app's own part says of
// packages is no witness. Packages that it adds may bring theirs.
func (w *work) judgeEvidence() error {
	if !w.Evidence {
		return nil
	}
	now, err := dpkg.ReadEvidence(w.tree)
	if err != nil {
		return err
	}
	err = w.evidence.Unspoiled(now)
	var spoiled *dpkg.SpoiledError
	if !errors.As(err, &spoiled) {
		return err
	}
	return mistake(cmp.Or(w.Own, "files"), "leave it as it comes", "%s may not be changed or removed: packages are known and judged by it", spoiled)
}
