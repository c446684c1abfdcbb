package release

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/pipelines/flowtest"
)

// unreachable fails every request and counts them.
type unreachable struct{ requests int }

func (u *unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	u.requests++
	return nil, errors.New("no network in this test")
}

// TestDateFixes dates by what is there, warns of what is not believed, and
// asks nobody where no date is asked for.
func TestDateFixes(t *testing.T) {
	for name, tt := range map[string]struct {
		days     int
		fixed    string
		remote   bool
		dated    bool
		requests bool
	}{
		"a fix since then":         {30, "2", false, true, false},
		"no fix":                   {30, "", false, false, false},
		"no days of grace":         {0, "2", false, false, false},
		"out of reach":             {30, "2", true, false, true},
		"out of reach, no days":    {0, "2", true, false, false},
		"out of reach, and no fix": {30, "", true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := flowtest.NewRepository(t)
			p.Publish(p.Key, p.Report(time.Hour))
			k, s, u := publisher(p), subjectOf(p), &unreachable{}
			k.Policy.Gate.Vulnerabilities.GraceDays["high"] = tt.days
			k.Registry = registry.Options{Transport: u, FirstWait: time.Millisecond, MaxWait: time.Millisecond}
			if tt.remote {
				s.repository = "localhost:1/team/web"
			}
			all := []seen{{Scanned: examine.Scanned{Report: p.Report(0)}}}
			all[0].Report.Findings[0].FixedVersion = tt.fixed
			all[0].Report.Findings[0].FixedSince = time.Now() // by a scanner
			if err := k.dateFixes(t.Context(), []subject{s}, all); err != nil {
				t.Fatal(err)
			}
			f := all[0].Report.Findings[0]
			if f.FixedSince.IsZero() == tt.dated || tt.dated && !f.FixedSince.Equal(all[0].Report.Database.Updated) {
				t.Errorf("fixed since %s", f.FixedSince)
			}
			if (u.requests > 0) != tt.requests || (all[0].disbelieved != "") != tt.requests || strings.Contains(all[0].doubt(), "no evidence") != tt.requests {
				t.Errorf("%d requests; disbelieved for %q", u.requests, all[0].disbelieved)
			}
		})
	}
}

// TestDateFixesStops where the command does.
func TestDateFixesStops(t *testing.T) {
	p := flowtest.NewRepository(t)
	k, s := publisher(p), subjectOf(p)
	k.Registry = registry.Options{Transport: &unreachable{}}
	s.repository = "localhost:1/team/web"
	all := []seen{{Scanned: examine.Scanned{Report: p.Report(0)}}}
	all[0].Report.Findings[0].FixedVersion = "2"
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := k.dateFixes(ctx, []subject{s}, all); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
