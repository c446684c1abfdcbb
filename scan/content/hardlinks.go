package content

import (
	"archive/tar"
	"bytes"
	"context"
	"io"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// maxHeld is the size, in bytes, of a file that is held while it is visited
// under several names; a larger one is read again for each.
const maxHeld = 16 << 20

// links are the hard links of a layer.
type links struct {
	names map[string][]string // by the name of the file that they lead to
	first map[string]string   // the other way round
}

func noLinks() links { return links{map[string][]string{}, map[string]string{}} }

// add follows a link to a link: an archive has what it leads to before it.
func (l links) add(target, name string) {
	if first, ok := l.first[target]; ok {
		target = first
	}
	l.first[name] = target
	l.names[target] = append(l.names[target], name)
}

// linked visits the files of a layer again that have more names, under these.
// A link that leads to nothing in its layer is an error: what is behind it in
// the image would be seen by nobody.
func (t *tarWalk) linked(ctx context.Context, l layer) error {
	for left := t.links.names; len(left) > 0; {
		later, seen := map[string][]string{}, map[string]bool{}
		_, err := l.each(ctx, func(h *tar.Header, r io.Reader) error {
			target := nameOf(h.Name)
			names := left[target]
			if len(names) == 0 || h.Typeflag == tar.TypeLink {
				return nil
			}
			seen[target] = true
			switch {
			case !isFile(h):
				return nil
			case h.Size <= maxHeld:
				return t.offerAll(names, h, r)
			case len(names) > 1:
				later[target] = names[1:]
			}
			return t.offer(names[0], h, r)
		})
		if err != nil {
			return err
		}
		for target, names := range left {
			if !seen[target] {
				return fault.New(fault.Integrity, "%.200q is a hard link to %.200q, which its layer does not hold", names[0], target)
			}
		}
		left = later
	}
	return nil
}

func (t *tarWalk) offerAll(names []string, h *tar.Header, r io.Reader) error {
	text, err := limit.ReadAll(r, maxHeld, h.Name)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := t.offer(name, h, bytes.NewReader(text)); err != nil {
			return err
		}
	}
	return nil
}
