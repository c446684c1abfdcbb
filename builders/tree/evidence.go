package tree

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/builders/tree/dpkg"
	"github.com/bakelite/bakelite/builders/tree/system"
	"github.com/bakelite/bakelite/builders/tree/treefs"
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
	if w.named, err = namedIn(from, w.Alters); err != nil {
		return err
	}
	w.led = map[string]string{}
	for _, r := range w.Rights {
		if w.led[r.Path], err = from.Resolve(r.Path); err != nil {
			return err
		}
	}
	w.evidence, err = dpkg.ReadEvidence(from)
	return err
}

// namedIn returns the places that paths name by the links of a tree: the app's
// own could make a harmless name one of a program.
func namedIn(t *treefs.FS, paths []string) (all []string, err error) {
	for _, name := range paths {
		leads, err := t.Resolve(name)
		if err != nil {
			return nil, err
		}
		place, err := t.Place(name)
		if err != nil {
			return nil, err
		}
		all = append(all, leads, place)
	}
	return all, nil
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

// judgeAltered refuses what the app's own part did to the system, but for what
// the app file names.
func (w *work) judgeAltered() error {
	if !w.Evidence {
		return nil
	}
	if w.before != nil {
		if err := w.compareSystem(); err != nil {
			return err
		}
	}
	slices.Sort(w.altered)
	all := slices.DeleteFunc(slices.Compact(w.altered), func(place string) bool { return slices.Contains(w.named, place) })
	if len(all) == 0 {
		return nil
	}
	for i := range all {
		all[i] = shown(all[i])
	}
	if more := len(all) - maxSaid; more > 0 {
		all = append(all[:maxSaid], fmt.Sprintf("and %d more", more))
	}
	return mistake(cmp.Or(w.Own, "files"), "put programs into /usr/local under names of their own, or name the paths under alters, for the gate to judge",
		"what packages brought to run, or what root starts or reads, is changed: %s", strings.Join(all, ", "))
}

// compareSystem notes what of the system is neither as it was nor ours.
func (w *work) compareSystem() error {
	var err error
	listed := system.Packages{Owned: func() (map[string]bool, error) { return dpkg.Owned(w.tree) }}
	if listed.Programs, err = dpkg.Programs(w.before); err != nil {
		return err
	}
	if listed.Alternatives, err = dpkg.Alternatives(w.before); err != nil {
		return err
	}
	all, err := system.Changes(w.tree, w.before, listed)
	if err != nil {
		return err
	}
	for _, place := range all {
		if ours, err := w.isOurs(place); err != nil {
			return err
		} else if !ours {
			w.altered = append(w.altered, place)
		}
	}
	return nil
}

// isOurs says whether a place holds what the machine's own files put there.
func (w *work) isOurs(place string) (bool, error) {
	ours, known := w.Ours["/"+place]
	if file, err := w.tree.Is(place, 0); err != nil || !known || !file {
		return false, err
	}
	sum, err := system.Sum(w.tree, place)
	return hex.EncodeToString(sum) == ours, err
}

// alters notes that a file or link of the app changes the system, in a tree
// that nobody else of the app's worked on.
func (p putting) alters(place string) error {
	if !p.Evidence || p.before != nil {
		return nil
	}
	ours, known := p.Ours["/"+place]
	if known && p.Content != nil && sha(p.Content) == ours || !known && p.tree.Changed(place) {
		return nil
	}
	changes, err := p.changes(place)
	if err == nil && (known || changes) {
		p.altered = append(p.altered, place)
	}
	return err
}

// changes says whether a new file or link at a place would change the system.
func (p putting) changes(place string) (bool, error) {
	if system.ForRoot(place) {
		return true, nil
	}
	info, err := p.tree.Lstat(place)
	if err != nil {
		return false, err
	}
	if info != nil {
		return !info.IsDir() && dpkg.HoldsPrograms(place), nil
	}
	return system.Hides(p.tree, place, p.tree.Changed)
}

func sha(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
