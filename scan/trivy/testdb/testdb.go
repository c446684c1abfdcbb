//go:build goexperiment.jsonv2

package testdb

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aquasecurity/trivy-db/pkg/db"
	"github.com/aquasecurity/trivy-db/pkg/metadata"
	"github.com/aquasecurity/trivy-db/pkg/types"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/vulnerability"
	bolt "go.etcd.io/bbolt"
)

// platform is the bucket of Debian trixie's advisories.
const platform = "debian 13"

//go:embed testdata/advisories.json
var table []byte

// Advisory is one fact: versions of a source package below Fixed have ID.
type Advisory struct {
	Package  string `json:"package"`
	ID       string `json:"id"`
	Fixed    string `json:"fixed"`
	Severity string `json:"severity"`
}

// Advisories returns the facts that Write puts into a database.
func Advisories() ([]Advisory, error) {
	var all []Advisory
	if err := json.Unmarshal(table, &all); err != nil {
		return nil, fmt.Errorf("reading advisories: %w", err)
	}
	return all, nil
}

// Write makes a database in dir that was last changed at updated: trivy.db
// and metadata.json. It uses Trivy's global state and must not run while
// another database is open.
func Write(dir string, updated time.Time, advisories []Advisory) error {
	// Trivy would make it for its owner alone, and scanners run as nobody.
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making folder: %w", err)
	}
	if err := os.RemoveAll(db.Path(dir)); err != nil {
		return fmt.Errorf("removing old database: %w", err)
	}
	if err := db.Init(dir); err != nil {
		return fmt.Errorf("making database: %w", err)
	}
	err := db.Config{}.BatchUpdate(func(tx *bolt.Tx) error { return fill(tx, advisories) })
	if closing := db.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("filling database: %w", err)
	}
	updated = updated.UTC()
	meta := metadata.Metadata{Version: db.SchemaVersion, UpdatedAt: updated, NextUpdate: updated.Add(24 * time.Hour), DownloadedAt: updated}
	client := metadata.NewClient(dir)
	if err := client.Update(meta); err != nil {
		return fmt.Errorf("writing metadata: %w", err)
	}
	return nil
}

func fill(tx *bolt.Tx, advisories []Advisory) error {
	source := types.DataSource{ID: vulnerability.Debian, Name: "Debian changelogs", URL: "https://tracker.debian.org/"}
	if err := (db.Config{}).PutDataSource(tx, platform, source); err != nil {
		return err
	}
	for _, a := range advisories {
		if err := put(tx, a); err != nil {
			return fmt.Errorf("%s of %s: %w", a.ID, a.Package, err)
		}
	}
	return nil
}

func put(tx *bolt.Tx, a Advisory) error {
	severity, err := types.NewSeverity(strings.ToUpper(a.Severity))
	if err != nil {
		return err
	}
	c := db.Config{}
	// As in Trivy's own database, most severities stand with the vulnerability.
	fact := &types.Advisory{FixedVersion: a.Fixed}
	if err := c.PutAdvisory(tx, []string{platform, a.Package}, a.ID, fact); err != nil {
		return err
	}
	if err := c.PutVulnerabilityID(tx, a.ID); err != nil {
		return err
	}
	return c.PutVulnerability(tx, a.ID, types.Vulnerability{
		Title: a.Package + ": " + a.ID, VendorSeverity: types.VendorSeverity{vulnerability.Debian: severity},
	})
}
