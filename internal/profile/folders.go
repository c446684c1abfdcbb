package profile

import (
	"cmp"
	"slices"

	"github.com/bakelite/bakelite/internal/app"
)

// Tmp is writable for every service.
const Tmp = "/tmp"

// Folder is a folder that the service may write to.
type Folder struct {
	Path string `json:"path"`
	// Bytes bounds what it holds in memory.
	Bytes int64 `json:"bytes"`
}

// folderSize bounds each writable folder; what is in it also counts against
// the service's memory.
const folderSize = 64 << 20

func folders(s app.Service) []Folder {
	all := []Folder{{Tmp, folderSize}}
	for _, path := range s.Writable {
		if path != Tmp {
			all = append(all, Folder{path, folderSize})
		}
	}
	slices.SortFunc(all, func(a, b Folder) int { return cmp.Compare(a.Path, b.Path) })
	return all
}
