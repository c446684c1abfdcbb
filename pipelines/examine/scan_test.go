package examine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/child"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/controls/catalogue"
	"github.com/bakelite/bakelite/scan/database"
	"github.com/bakelite/bakelite/scan/protocol"
)

// process plays scanner and checker: it notes what it is asked, and gives what
// it is told to.
type process struct {
	Scanner
	request child.Request
	results []protocol.Result
	roots   []protocol.Root
	checks  []protocol.Check
	err     error
}

func (p *process) Scan(_ context.Context, r child.Request) ([]protocol.Result, error) {
	p.request = r
	return p.results, p.err
}

func (p *process) Check(_ context.Context, roots []protocol.Root, checks []protocol.Check) ([][]controls.Result, error) {
	p.roots, p.checks = roots, checks
	return make([][]controls.Result, len(roots)), p.err
}

// both are an image and a disk of an app.
func both() []protocol.Root {
	return []protocol.Root{
		Root("web", artifact.Container, artifact.Artifact{Path: "/elsewhere", Digest: "sha256:1"}, "/dist/web.oci"),
		Root("web", artifact.Disk, artifact.Artifact{Path: "/dist/web.raw", Digest: "sha256:2"}, "/dist/web.oci"),
	}
}

// TestScanIsOneWalk: all roots are read at once, against the database that was
// fetched and nothing older, and each report comes back at its root's place.
func TestScanIsOneWalk(t *testing.T) {
	p := &process{results: []protocol.Result{
		{Report: scan.Report{OS: scan.OS{Name: "image"}}, CycloneDX: []byte("c1"), SPDX: []byte("s1")},
		{Report: scan.Report{OS: scan.OS{Name: "disk"}}, CycloneDX: []byte("c2"), SPDX: []byte("s2")},
	}}
	e := Examiner{Scanner: p, MaxAge: time.Hour, Untouched: func() []string { return []string{"0a"} }}
	seen, err := e.Scan(t.Context(), both(), database.Database{Dir: "/db", Database: scan.Database{Ref: "db:2", Digest: "sha256:3"}})
	if err != nil {
		t.Fatal(err)
	}
	want := child.Request{
		Roots: both(), Untouched: []string{"0a"}, Now: p.request.Now,
		Database: protocol.Database{Folder: "/db", Ref: "db:2", Digest: "sha256:3", MaxAge: time.Hour},
	}
	if !reflect.DeepEqual(p.request, want) {
		t.Errorf("asked for %+v, want %+v", p.request, want)
	}
	if now := p.request.Now; time.Since(now) > time.Minute || now.Location() != time.UTC || now.Nanosecond() != 0 {
		t.Errorf("the reports are of %s", now)
	}
	for i, name := range []string{"image", "disk"} {
		if s := seen[i]; s.Report.OS.Name != name || string(s.CycloneDX) != fmt.Sprint("c", i+1) || string(s.SPDX) != fmt.Sprint("s", i+1) {
			t.Errorf("the %s is %+v", name, s)
		}
	}
	e.Untouched = nil
	if _, err := e.Scan(t.Context(), both(), database.Database{}); err != nil || p.request.Untouched != nil {
		t.Errorf("with nothing untouched %v, %v", p.request.Untouched, err)
	}
}

// TestScannerLeavesOneOut: a report for each root or none of them, or what was
// not scanned would be judged by the report of something else.
func TestScannerLeavesOneOut(t *testing.T) {
	failed := errors.New("out of memory")
	for n := range 4 {
		seen, err := Examiner{Scanner: &process{results: make([]protocol.Result, n)}}.Scan(t.Context(), both(), database.Database{})
		if (err == nil) != (n == 2) || (seen == nil) != (n != 2) || err != nil && (fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), "of 2 artifacts")) {
			t.Errorf("%d reports: %v, %v", n, seen, err)
		}
	}
	p := &process{results: make([]protocol.Result, 2), err: failed}
	if seen, err := (Examiner{Scanner: p}).Scan(t.Context(), both(), database.Database{}); !errors.Is(err, failed) || seen != nil {
		t.Errorf("a scanner that failed: %v, %v", seen, err)
	}
}

// TestNoDatabase: what cannot be fetched is an error, and is not passed over.
func TestNoDatabase(t *testing.T) {
	gone := errors.New("out of reach")
	e := Examiner{Fetch: func(context.Context) (database.Database, error) {
		return database.Database{Database: scan.Database{Ref: "db"}}, gone
	}}
	if _, err := e.Database(t.Context()); !errors.Is(err, gone) {
		t.Errorf("ended with %v", err)
	}
}

// TestCheckKnowsTheApp: of each root those controls are checked that hold for
// its kind, with what the app file allows there and nowhere else.
func TestCheckKnowsTheApp(t *testing.T) {
	all, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	a := app.WithDefaults(app.App{Name: "web"})
	a.VM.Admin = &app.Admin{User: "ops"}
	a.Rights = []app.Right{
		{Path: "/bin/both", SetUID: true},
		{Path: "/bin/image", On: artifact.Container, Capabilities: []string{"net_bind_service"}},
		{Path: "/bin/disk", On: artifact.Disk, SetGID: true},
	}
	p := &process{}
	h := Hardening{Controls: known(all), Checker: p}
	if found, err := h.Check(t.Context(), a, both()); err != nil || len(found) != 2 || !reflect.DeepEqual(p.roots, both()) {
		t.Fatalf("%v of %v, %v", found, p.roots, err)
	}
	rights := [][]controls.Right{
		{{Path: "/bin/both", SetUID: true}, {Path: "/bin/image", Capabilities: []string{"net_bind_service"}}},
		{{Path: "/bin/both", SetUID: true}, {Path: "/bin/disk", SetGID: true}},
	}
	for i, kind := range []string{artifact.Container, artifact.Disk} {
		c := p.checks[i]
		if !c.Options.Own || c.Options.Admin != []string{"", "ops"}[i] || !reflect.DeepEqual(c.Options.Rights, rights[i]) {
			t.Errorf("the %s is checked with %+v", kind, c.Options)
		}
		if len(c.Controls) == 0 || !reflect.DeepEqual(c.Controls, h.Of(a, kind)) {
			t.Errorf("the %s has %d controls, of %d", kind, len(c.Controls), len(h.Of(a, kind)))
		}
	}
	a.VM.Admin = nil
	p.err = errors.New("no checker")
	if _, err := h.Check(t.Context(), a, both()); !errors.Is(err, p.err) || p.checks[1].Options.Admin != "" {
		t.Errorf("ended with %v; who may log in is %q", err, p.checks[1].Options.Admin)
	}
}
