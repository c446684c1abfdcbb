// Package show writes scan reports and gate verdicts for people and for other
// programs: tables, JSON and SARIF. It refuses to pass control characters of
// scanned content on to a terminal. It decides nothing.
package show
