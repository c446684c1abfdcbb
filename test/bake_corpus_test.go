package test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/test/corpus"
	"github.com/bakelite/bakelite/test/harness"
)

// aFew is how many cases of the corpus are baked on one day; every night all
// are, as disks too.
const aFew = 3

// TestCorpus bakes today's few of the apps that people have, as containers: of
// those that passed when all were tried last.
func TestCorpus(t *testing.T) {
	harness.Needs(t)
	all, err := corpus.Cases("corpus")
	if err != nil {
		t.Fatal(err)
	}
	known, err := corpus.ReadResults("corpus/results.json")
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(c corpus.Case) bool { o, _ := known.Known(c.Name, artifact.Container); return !o.Passed })
	out := harness.Folder(t)
	b := corpus.Baker{Bakelite: harness.Here.Binary, Env: harness.Environment(harness.Here.State, filepath.Join(out, "dist")), Work: filepath.Join(out, "apps")}
	for _, c := range corpus.Today(all, time.Now(), aFew) {
		t.Run(c.Name, func(t *testing.T) {
			o, err := b.Bake(t.Context(), c, artifact.Container)
			if err != nil || !o.Passed {
				t.Errorf("%+v, %v", o, err)
			}
		})
	}
	harness.LeavesNothing(t)
}
