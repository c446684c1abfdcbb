package release

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/runners/probe"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/child"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/database"
	"github.com/bakelite/bakelite/scan/gate"
	"github.com/bakelite/bakelite/scan/protocol"
)

// TestTestsAreStated: what is signed about tests and hardening is what was
// found of this kind of artifact, passed or not, and so is what the gate counts.
func TestTestsAreStated(t *testing.T) {
	built := &results.Built{Receipt: results.Receipt{Made: time.Unix(1, 0), TestsSkipped: true, Tests: map[string]results.Tested{
		artifact.Container: {Results: []probe.Result{{Name: "of the image", Passed: true}}},
		artifact.Disk: {
			Results: []probe.Result{{Name: "answers", Passed: true}, {Name: "is fast", Detail: "9 s"}, {Name: "is small"}},
			Booted:  []controls.Result{{ID: "BK-KRN-01"}},
		},
	}}}
	e := evidence{built: built, subject: subject{kind: artifact.Disk}, seen: seen{hardening: []controls.Result{{ID: "BK-FS-01", Level: 2, Passed: true}}}}
	got := statedTests(e)
	if !got.Skipped || !got.Ran.Equal(built.Made) || len(got.Results) != 3 || !got.Results[0].Passed || got.Results[1].Passed || got.Results[1].Name != "is fast" || got.Results[1].Message != "9 s" {
		t.Errorf("stated is %+v", got)
	}
	if len(got.Hardening) != 1 || !got.Hardening[0].Passed || got.Hardening[0].Name != "BK-FS-01" || len(got.Booted) != 1 || got.Booted[0].Passed || got.Booted[0].Name != "BK-KRN-01" {
		t.Errorf("stated of hardening is %+v, booted %+v", got.Hardening, got.Booted)
	}
	for kind, want := range map[string]gate.Tests{artifact.Disk: {Passed: 1, Failed: 2, Skipped: true}, artifact.Container: {Passed: 1, Skipped: true}, "": {Skipped: true}} {
		if got := testsOf(built, kind); got != want {
			t.Errorf("of the %q the gate counts %+v, want %+v", kind, got, want)
		}
	}
}

// TestFilesAreStated: a disk's files are named in what is signed about it, as
// those that carry them know them; an image's blobs are not.
func TestFilesAreStated(t *testing.T) {
	made := []artifact.Artifact{{Path: "/dist/web.raw", Digest: "sha256:1"}, {Path: "/dist/web.qcow2", Digest: "sha256:2"}}
	if got := fmt.Sprintf("%+v", subject{kind: artifact.Disk, made: made}.files()); got != "[{Name:web.raw Digest:sha256:1 Files:[]} {Name:web.qcow2 Digest:sha256:2 Files:[]}]" {
		t.Errorf("of a disk %s", got)
	}
	if got := (subject{kind: artifact.Container, made: made}).files(); got != nil {
		t.Errorf("of an image %v", got)
	}
}

// dating is a scanner that says since when there is a fix, which it cannot know.
type dating struct{ *flowtest.Ports }

func (d dating) Scan(ctx context.Context, r child.Request) ([]protocol.Result, error) {
	all, err := d.Ports.Scan(ctx, r)
	for i := range all {
		all[i].Report.Findings = []scan.Finding{{ID: "CVE-2026-1", FixedVersion: "2", FixedSince: time.Unix(1, 0)}}
	}
	return all, err
}

// TestExamineDatesAndNames: each subject's report is of its own digest, without
// a date that the scanner made up; two forms of one disk are read once.
func TestExamineDatesAndNames(t *testing.T) {
	s := newShop(t)
	s.p.Examiner.Scanner = dating{s.Ports}
	subjects, err := s.p.subjects(t.Context(), s.app, s.built(), Options{ContainerDisk: true})
	flowtest.Must(t, err)
	all, err := s.p.examine(t.Context(), s.app, subjects, database.Database{})
	flowtest.Must(t, err)
	if len(all) != 3 || len(s.Roots) != 4 { // two of the scanner, two of the checker
		t.Fatalf("%d of %d were read", len(s.Roots), len(all))
	}
	for i, saw := range all {
		if saw.Report.Subject != subjects[i].digest() || saw.Report.ArtifactKind != subjects[i].kind || len(saw.hardening) != 1 || saw.doubt() != "" {
			t.Errorf("of the %s: %+v", subjects[i].name, saw)
		}
		if !saw.Report.Findings[0].FixedSince.IsZero() {
			t.Errorf("of the %s a fix is dated %s", subjects[i].name, saw.Report.Findings[0].FixedSince)
		}
	}
}

// TestKeyGoesByItsSubjects: what is published is there already only where it is
// the same content in the same places, by the same scanner.
func TestKeyGoesByItsSubjects(t *testing.T) {
	s := newShop(t)
	built := s.built()
	subjects, err := s.p.subjects(t.Context(), s.app, built, Options{})
	flowtest.Must(t, err)
	key := func(subjects []subject, o Options) string {
		key, err := s.p.key(t.Context(), subjects, database.Database{}, built, o)
		flowtest.Must(t, err)
		return key
	}
	elsewhere := []subject{subjects[0], subjects[1]}
	elsewhere[1].repository += "2"
	first := key(subjects, Options{})
	if first != key(subjects, Options{}) || first == key(subjects[:1], Options{}) || first == key(elsewhere, Options{}) || first == key(subjects, Options{Version: "1.0"}) {
		t.Error("the key does not go by what is published")
	}
}
