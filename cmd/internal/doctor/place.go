package doctor

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/private"
)

// minSpace is in bytes, and a decision rather than a measurement: room for
// the caches of a few apps.
const minSpace = 5 << 30

// scratch makes a folder in the state folder, which the caller removes, and
// returns its absolute path.
func scratch(o Options) (string, error) {
	folder, err := filepath.Abs(o.State)
	if err != nil {
		return "", fmt.Errorf("finding the state folder: %w", err)
	}
	if err := private.State(folder); err != nil {
		return "", fmt.Errorf("making the state folder: %w", err)
	}
	return os.MkdirTemp(folder, "doctor-")
}

const mendState = "name a folder that you may write to with --state or BAKELITE_STATE"

func state(_ context.Context, o Options) finding {
	dir, err := scratch(o)
	if err != nil {
		return missing(err.Error(), cmp.Or(fault.HintOf(err), mendState))
	}
	if err := os.Remove(dir); err != nil {
		return missing(err.Error(), mendState)
	}
	return ok(o.State)
}

func space(_ context.Context, o Options) finding {
	if err := private.State(o.State); err != nil {
		return missing(err.Error(), mendState)
	}
	var stat unix.Statfs_t
	if err := unix.Statfs(o.State, &stat); err != nil {
		return missing(err.Error(), mendState)
	}
	return enough(stat.Bavail * uint64(stat.Bsize))
}

func enough(free uint64) finding {
	found := fmt.Sprintf("%.1f GiB free", float64(free)/(1<<30))
	if free < minSpace {
		return missing(fmt.Sprintf("%s, %d needed", found, minSpace>>30),
			"bakelite engine prune, or name a folder on a larger disk with --state")
	}
	return ok(found)
}
