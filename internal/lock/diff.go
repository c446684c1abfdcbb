package lock

import (
	"cmp"
	"slices"
	"strings"
)

// Change is one package that differs between two locks. From is empty where
// it was added, To where it was removed; they are equal where only the content
// differs. Layers are the layers that have the change, in the lock's order. Of
// an image Package is the reference, From and To are digests, and the layer is
// "image".
type Change struct {
	Package, Arch, From, To string
	Layers                  []string
	// Downgrade says that To is older than From. Diff does not know versions;
	// who does marks them.
	Downgrade bool
}

// Diff returns how the packages and images of new differ from those of old,
// sorted by package, architecture and versions. Either may be nil, as if it
// were empty.
func Diff(old, new *Lock) []Change {
	type key struct{ name, arch, from, to string }
	layers := map[key][]string{}
	for _, name := range layerNames() {
		before, after := pinsOf(old, name), pinsOf(new, name)
		for id, p := range before {
			if q, stays := after[id]; !stays || q.Version != p.Version || q.SHA256 != p.SHA256 {
				k := key{p.Name, p.Arch, p.Version, q.Version}
				layers[k] = append(layers[k], name)
			}
		}
		for id, q := range after {
			if _, known := before[id]; !known {
				k := key{q.Name, q.Arch, "", q.Version}
				layers[k] = append(layers[k], name)
			}
		}
	}
	changes := diffImages(imagesOf(old), imagesOf(new))
	for k, in := range layers {
		changes = append(changes, Change{Package: k.name, Arch: k.arch, From: k.from, To: k.to, Layers: in})
	}
	slices.SortFunc(changes, func(a, b Change) int {
		return cmp.Or(strings.Compare(a.Package, b.Package), strings.Compare(a.Arch, b.Arch),
			strings.Compare(a.From, b.From), strings.Compare(a.To, b.To))
	})
	return changes
}

func diffImages(before, after map[string]string) []Change {
	var changes []Change
	for ref, from := range before {
		if to := after[ref]; to != from {
			changes = append(changes, Change{Package: ref, From: from, To: to, Layers: []string{"image"}})
		}
	}
	for ref, to := range after {
		if before[ref] == "" {
			changes = append(changes, Change{Package: ref, To: to, Layers: []string{"image"}})
		}
	}
	return changes
}

// imagesOf returns the digests of a lock's images by reference.
func imagesOf(l *Lock) map[string]string {
	digests := map[string]string{}
	if l == nil {
		return digests
	}
	if l.Base != nil {
		digests[l.Base.Ref] = l.Base.Digest
	}
	for _, i := range l.Images {
		digests[i.Ref] = i.Digest
	}
	return digests
}

func pinsOf(l *Lock, layerName string) map[string]Pin {
	pins := map[string]Pin{}
	if l == nil {
		return pins
	}
	for _, layer := range l.Packages.all() {
		if layer.name == layerName {
			for _, p := range *layer.pins {
				pins[p.Name+":"+p.Arch] = p
			}
		}
	}
	return pins
}
