package test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
)

// TestSameBytes builds the same lock in another folder, on an empty state
// folder and through other mirrors: container and disk have the same digests.
func TestSameBytes(t *testing.T) {
	first, s := firstBake(t), newSite(t)
	s.freshState()
	args := []string{"build", "--json", "--frozen", "--skip-tests"}
	for _, name := range archives() {
		server := httptest.NewServer(throughMirror(t, name))
		t.Cleanup(server.Close)
		args = append(args, "--mirror", name+"="+server.URL)
	}
	r, want := s.run(append(args, "web")...).result(t), first.outcome.result(t)
	for _, format := range []string{"layout", "raw", "qcow2"} {
		if r.digest(t, format) != want.digest(t, format) {
			t.Errorf("%s: %s and %s", format, r.digest(t, format), want.digest(t, format))
		}
	}
	if len(r.Tests) != 0 {
		t.Errorf("--skip-tests ran %+v", r.Tests)
	}
}

// TestOneFileChanged changes the page: both artifacts change, and /usr, which
// holds nothing of the app, does not.
func TestOneFileChanged(t *testing.T) {
	first, s := firstBake(t), newSite(t)
	s.replace("site/index.html", "Set hard", "Set harder")
	r, before := s.run("build", "--json", "--skip-tests", "web").result(t), first.outcome.result(t)
	if !r.Rebuilt {
		t.Error("nothing was rebuilt")
	}
	for _, format := range []string{"layout", "raw", "qcow2"} {
		if r.digest(t, format) == before.digest(t, format) {
			t.Errorf("%s did not change", format)
		}
	}
	now, then := partitions(t, s.path(r.artifact(t, "raw"))), partitions(t, first.path(before.artifact(t, "raw")))
	for name, same := range map[string]bool{"usr": true, "usr-verity": true, "root": false, "root-verity": false} {
		if (now[name].UUID == then[name].UUID) != same {
			t.Errorf("partition %s: %s after %s", name, now[name].UUID, then[name].UUID)
		}
	}
}

// partition is one of a raw disk; Start and Size are in sectors.
type partition struct {
	Start, Size int64
	UUID, Name  string
}

const sector = 512

// partitions reads a raw disk's table by sfdisk, by the partitions' labels.
func partitions(t *testing.T, disk string) map[string]partition {
	t.Helper()
	var table struct {
		PartitionTable struct{ Partitions []partition }
	}
	if err := json.Unmarshal([]byte(tool(t, "sfdisk", "--json", disk)), &table); err != nil {
		t.Fatal(err)
	}
	all := map[string]partition{}
	for _, p := range table.PartitionTable.Partitions {
		all[p.Name] = p
	}
	return all
}
