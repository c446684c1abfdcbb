package test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/test/corpus"
)

// aFew is how many cases of the corpus are baked on one day; every night all
// are, as disks too.
const aFew = 3

// TestCorpus bakes today's few of the apps that people have, as containers: of
// those that passed when all were tried last.
func TestCorpus(t *testing.T) {
	needs(t)
	all, err := corpus.Cases("corpus")
	if err != nil {
		t.Fatal(err)
	}
	known, err := corpus.ReadResults("corpus/results.json")
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(c corpus.Case) bool { o, _ := known.Known(c.Name, artifact.Container); return !o.Passed })
	out := folder(t)
	b := corpus.Baker{Bakelite: here.binary, Env: environment(here.state, filepath.Join(out, "dist")), Work: filepath.Join(out, "apps")}
	for _, c := range corpus.Today(all, time.Now(), aFew) {
		t.Run(c.Name, func(t *testing.T) {
			o, err := b.Bake(t.Context(), c, artifact.Container)
			if err != nil || !o.Passed {
				t.Errorf("%+v, %v", o, err)
			}
		})
	}
	leavesNothing(t)
}
