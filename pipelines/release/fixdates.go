package release

import (
	"context"
	"io"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

// dateFixes says of each finding since when it has a fix, by what was
// published before under the same name. Evidence that cannot be believed is
// warned of and left out, which is stricter; only a cancelled command is an
// error. Where the policy has no days of grace nothing is fetched.
func (p Publisher) dateFixes(ctx context.Context, subjects []subject, all []seen) error {
	for i, s := range subjects {
		var earlier scan.Report
		if p.hasGrace() && hasFix(all[i].Report) {
			err := progress.Run(ctx, "[scan] look since when there are fixes for the "+s.name, func(ctx context.Context, log io.Writer) (err error) {
				earlier, err = p.earlierReport(ctx, s)
				if err == nil || ctx.Err() != nil {
					return ctx.Err()
				}
				all[i].disbelieved = err.Error()
				return progress.Warn(log, all[i].disbelieved)
			})
			if err != nil {
				return err
			}
		}
		all[i].Report.Findings = gate.DateFixes(all[i].Report, earlier, p.Policy.Verify.MaxReportAge.Std())
	}
	return nil
}

func (p Publisher) hasGrace() bool {
	for _, days := range p.Policy.Gate.Vulnerabilities.GraceDays {
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
