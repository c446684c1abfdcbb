package pipelines

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/registry"
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
			p := newPast(t)
			p.publish(p.key, p.report(time.Hour))
			k, s, u := p.kitchen(), p.subject(), &unreachable{}
			k.Policy.Gate.Vulnerabilities.GraceDays["high"] = tt.days
			k.Registry = registry.Options{Transport: u, FirstWait: time.Millisecond, MaxWait: time.Millisecond}
			if tt.remote {
				s.repository = "localhost:1/team/web"
			}
			seen := []scanned{{report: p.report(0)}}
			seen[0].report.Findings[0].FixedVersion = tt.fixed
			seen[0].report.Findings[0].FixedSince = time.Now() // by a scanner
			if err := k.dateFixes(t.Context(), []subject{s}, seen); err != nil {
				t.Fatal(err)
			}
			f := seen[0].report.Findings[0]
			if f.FixedSince.IsZero() == tt.dated || tt.dated && !f.FixedSince.Equal(seen[0].report.Database.Updated) {
				t.Errorf("fixed since %s", f.FixedSince)
			}
			if (u.requests > 0) != tt.requests || (seen[0].disbelieved != "") != tt.requests || strings.Contains(seen[0].doubt(), "no evidence") != tt.requests {
				t.Errorf("%d requests; disbelieved for %q", u.requests, seen[0].disbelieved)
			}
		})
	}
}

// TestDateFixesStops where the command does.
func TestDateFixesStops(t *testing.T) {
	p := newPast(t)
	k, s := p.kitchen(), p.subject()
	k.Registry = registry.Options{Transport: &unreachable{}}
	s.repository = "localhost:1/team/web"
	seen := []scanned{{report: p.report(0)}}
	seen[0].report.Findings[0].FixedVersion = "2"
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := k.dateFixes(ctx, []subject{s}, seen); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
