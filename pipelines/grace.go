package pipelines

import (
	"context"
	"fmt"
	"io"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

// dateFixes says of each finding since when it has a fix, by what was
// published before under the same name. Evidence that cannot be believed is
// warned of and left out, which is stricter; only a cancelled command is an
// error. Where the policy has no days of grace nothing is fetched.
func (k Kitchen) dateFixes(ctx context.Context, subjects []subject, seen []scanned) error {
	for i, s := range subjects {
		var earlier scan.Report
		if k.hasGrace() && hasFix(seen[i].report) {
			err := k.Progress.Do(ctx, "[scan] look since when there are fixes for the "+s.name, func(ctx context.Context, log io.Writer) (_ bool, err error) {
				earlier, err = k.earlierReport(ctx, s)
				if err == nil || ctx.Err() != nil {
					return false, ctx.Err()
				}
				seen[i].disbelieved = err.Error()
				return false, warn(log, seen[i].disbelieved)
			})
			if err != nil {
				return err
			}
		}
		k.date(&seen[i].report, earlier)
	}
	return nil
}

func warn(log io.Writer, why string) error {
	_, err := fmt.Fprintf(log, "warning: %s\n", why)
	return err
}

// date sets since when the findings of a report have fixes.
func (k Kitchen) date(r *scan.Report, earlier scan.Report) {
	r.Findings = gate.DateFixes(*r, earlier, policy.WithDefaults(k.Policy).Verify.MaxReportAge.Std())
}

func (k Kitchen) hasGrace() bool {
	for _, days := range k.Policy.Gate.Vulnerabilities.GraceDays {
		if days > 0 {
			return true
		}
	}
	return false
}

func hasFix(r scan.Report) bool {
	for _, f := range r.Findings {
		if f.FixedVersion != "" {
			return true
		}
	}
	return false
}
