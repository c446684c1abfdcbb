package fleet

import (
	"os"
	"path/filepath"
	"time"

	"github.com/bakelite/bakelite/internal/notify"
)

// Abandon does to the locks of a fleet's runs what the end of their process
// does.
func Abandon(f Fleet) {
	locks, _ := filepath.Glob(filepath.Join(f.runs(), "*.lock"))
	for _, path := range locks {
		_ = os.Remove(path)
		_ = os.WriteFile(path, nil, 0o600)
	}
}

// News is what a standing means.
func News(s *Standing, currentAt, now time.Time) []notify.Event { return s.news(currentAt, now) }
