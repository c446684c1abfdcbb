//go:build goexperiment.jsonv2

package analysis

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	javadb "github.com/aquasecurity/trivy-java-db/pkg/db"
	"github.com/aquasecurity/trivy/pkg/fanal/types"
	trivyjava "github.com/aquasecurity/trivy/pkg/javadb"

	_ "modernc.org/sqlite" // reads the Java database and RPM's
)

// OpenJava hands Trivy, for this whole process, the Java database in a folder,
// or without one an empty one below scratch. Trivy opens it when it meets the
// first jar.
func OpenJava(folder, scratch string, now time.Time) error {
	cache := filepath.Join(scratch, "java")
	inner := filepath.Join(cache, "java-db")
	if folder != "" {
		if err := os.MkdirAll(cache, 0o700); err != nil {
			return fmt.Errorf("opening Java database: %w", err)
		}
		if err := os.Symlink(folder, inner); err != nil {
			return fmt.Errorf("opening Java database: %w", err)
		}
	} else if err := emptyJava(inner, now); err != nil {
		return fmt.Errorf("making Java database: %w", err)
	}
	trivyjava.Init(cache, nil, true, true, types.RegistryOptions{})
	return nil
}

func emptyJava(folder string, now time.Time) error {
	d, err := javadb.New(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Init(); err != nil {
		return err
	}
	meta := javadb.Metadata{Version: javadb.SchemaVersion, NextUpdate: now, UpdatedAt: now, DownloadedAt: now}
	client := javadb.NewMetadata(folder)
	return client.Update(meta)
}
