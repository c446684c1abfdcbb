// Package sandbox shuts a child in before it reads anything that nobody trusts:
// a root of its own with nothing but what the request names, no network, no
// other process to see, no privileges and bounded resources. What cannot be
// given up is an error, unless the request says that the child may stay
// exposed. Only what runs as that child imports it: cmd/bakelite-scan and
// scan/checker.
package sandbox

import (
	"fmt"
	"os"
	"path"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/scan/protocol"
)

// Defaults where a request sets none.
const (
	defaultMemory  = 2 << 30
	defaultScratch = 4 << 30
	defaultCPU     = 20 * time.Minute
	// openFiles is far above what the walk of a layer needs.
	openFiles = 512
)

// nobody is the user that root becomes: the overflow user of user_namespaces(7).
const nobody = 65534

// Places of the request's paths inside.
const (
	rootsAt    = "/roots"
	databaseAt = "/database"
	javaAt     = "/java"
	cacheAt    = "/cache"
	scratchAt  = "/tmp"
)

// place is a path of the machine and where it is seen inside, read-only.
type place struct {
	from, to string
	// optional says that nothing is lost where the path is gone.
	optional bool
}

// Inside returns the request with the paths that its child sees.
func Inside(req protocol.Request) protocol.Request {
	inside := req
	inside.Roots = append([]protocol.Root(nil), req.Roots...)
	for i := range inside.Roots {
		inside.Roots[i].Path = rootAt(i)
	}
	inside.Database.Folder = databaseAt
	if req.Java != "" {
		inside.Java = javaAt
	}
	inside.Known = make([][]protocol.Known, len(req.Known))
	for i, trees := range req.Known {
		inside.Known[i] = append([]protocol.Known(nil), trees...)
		for j, k := range trees {
			if k.Path != "" {
				inside.Known[i][j].Path = entryAt(i, j)
			}
		}
	}
	return inside
}

func rootAt(i int) string { return path.Join(rootsAt, strconv.Itoa(i)) }

func entryAt(root, tree int) string { return path.Join(cacheAt, fmt.Sprintf("%d-%d", root, tree)) }

func places(req protocol.Request) []place {
	var all []place
	if req.Database.Folder != "" {
		all = append(all, place{from: req.Database.Folder, to: databaseAt})
	}
	for i, r := range req.Roots {
		all = append(all, place{from: r.Path, to: rootAt(i)})
	}
	if req.Java != "" {
		all = append(all, place{from: req.Java, to: javaAt})
	}
	for i, trees := range req.Known {
		for j, k := range trees {
			if k.Path != "" {
				all = append(all, place{from: k.Path, to: entryAt(i, j), optional: true})
			}
		}
	}
	return all
}

// Filled returns p with defaults in place of zeros.
func Filled(p protocol.Process) protocol.Process {
	if p.Memory <= 0 {
		p.Memory = defaultMemory
	}
	if p.Scratch <= 0 {
		p.Scratch = defaultScratch
	}
	if p.CPU <= 0 {
		p.CPU = defaultCPU
	}
	return p
}

// readable says whether user nobody may read a path: a file with its content,
// or a folder with all below it that the scanner opens.
func readable(name string) bool {
	info, err := os.Stat(name)
	if err != nil {
		return false
	}
	if info.IsDir() {
		return info.Mode().Perm()&0o005 == 0o005
	}
	return info.Mode().Perm()&0o004 != 0
}

// user returns whom root becomes: nobody, or root without privileges where a
// path of the request is for root's eyes alone.
func user(req protocol.Request) int {
	if unix.Geteuid() != 0 {
		return unix.Geteuid()
	}
	for _, p := range places(req) {
		if !p.optional && !readable(p.from) {
			return 0
		}
	}
	return nobody
}
