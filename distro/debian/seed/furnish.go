package seed

import (
	"archive/tar"
	"errors"
	"slices"

	"github.com/bakelite/bakelite/internal/lock"
)

// ArchOf is the architecture of the packages that have one, "" where none has.
func ArchOf(pins []lock.Pin) string {
	for _, pin := range pins {
		if pin.Arch != "all" {
			return pin.Arch
		}
	}
	return ""
}

// Assemble merges the trees of the pins, base-files first because it says how the
// top folders are, then as they come, and adds what no package brings. Packages
// that bring one name with two contents are an error.
func Assemble(pins []lock.Pin, trees []Tree) (Tree, error) {
	whole := Tree{}
	order := make([]int, len(pins))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return rank(pins[a].Name) - rank(pins[b].Name)
	})
	for _, i := range order {
		if err := whole.addAll(trees[i]); err != nil {
			return nil, err
		}
	}
	if err := whole.furnish(ArchOf(pins)); err != nil {
		return nil, err
	}
	return whole, whole.complete()
}

func rank(name string) int {
	if name == "base-files" {
		return 0
	}
	return 1
}

// furnish adds what no package brings: the links of a merged /usr, mount
// points, the state of a dpkg that has installed nothing, and root.
func (t Tree) furnish(arch string) error {
	newest := t.newest()
	add := func(kind byte, name, link string, mode int64, content string) error {
		n := &node{from: "the seed", header: tar.Header{Typeflag: kind, Name: name, Linkname: link, Mode: mode, ModTime: newest, Format: tar.FormatPAX}}
		if kind == tar.TypeReg {
			body := []byte(content)
			n.body = &body
		}
		return t.add(n)
	}
	links := []string{"bin", "lib", "sbin"}
	if arch == "amd64" {
		links = append(links, "lib64")
	}
	var failures []error
	for _, link := range links {
		failures = append(failures, add(tar.TypeSymlink, link, "usr/"+link, 0o777, ""), add(tar.TypeDir, "usr/"+link, "", 0o755, ""))
	}
	for name, mode := range seedFolders() {
		failures = append(failures, add(tar.TypeDir, name, "", mode, ""))
	}
	for name, content := range map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n", "var/lib/dpkg/status": "",
	} {
		failures = append(failures, add(tar.TypeReg, name, "", 0o644, content))
	}
	// Bookworm's dash makes this link only when it is configured.
	if t["usr/bin/sh"] == nil && t["usr/bin/dash"] != nil {
		failures = append(failures, add(tar.TypeSymlink, "usr/bin/sh", "dash", 0o777, ""))
	}
	return errors.Join(failures...)
}

func seedFolders() map[string]int64 {
	return map[string]int64{
		"dev": 0o755, "proc": 0o555, "root": 0o700, "run": 0o755, "sys": 0o555, "tmp": 0o1777,
		"var/cache/apt/archives/partial": 0o755, "var/lib/apt/lists/partial": 0o755,
		"var/lib/dpkg/info": 0o755, "var/lib/dpkg/updates": 0o755, "var/lib/dpkg/triggers": 0o755,
		"var/lib/dpkg/alternatives": 0o755, "var/lib/dpkg/parts": 0o755, "var/log/apt": 0o755,
	}
}
