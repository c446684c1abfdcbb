package main

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/fleet"
	"github.com/bakelite/bakelite/pipelines/notary"
)

// fleetOf constructs what the flows of many apps work with.
func fleetOf(f compose.Flows, s *settings.Settings) fleet.Fleet {
	return fleet.Fleet{
		Baker: f.Baker, Reader: f.Reader, Archive: f.Archive,
		State: s.State, Folder: f.Baker.Folder, Destination: f.Publisher.Destination, Version: f.Baker.Version,
		Notary:  notary.Notary{Signer: f.Publisher.Signer, Policy: f.Reader.Policy, Registry: f.Reader.Registry, TUF: f.Reader.TUF},
		Revoked: channelsOf(f, s.Channels).Revoked, Policy: updatePolicy(s.Update), UnknownLimit: s.Update.UnknownAfter.Std(), Jobs: atOnce(s, 1<<20), Now: time.Now,
	}
}

// updatePolicy is what apps take that do not say.
func updatePolicy(u settings.Update) update.Policy {
	return app.Update{
		Trigger: u.Trigger, Severity: u.Severity, CoolDown: units.Duration(u.CoolDown), Urgent: u.Urgent, Windows: u.Windows, MaxLockAge: units.Duration(u.MaxLockAge),
	}.Policy(update.Policy{})
}

func allFlag(c *cobra.Command, all *bool) {
	c.Flags().BoolVar(all, "all", false, "take every app file that the setting apps names")
}

// appsOf loads the apps that a command was given, or all.
func appsOf(s *settings.Settings, paths []string, all bool) ([]app.App, error) {
	if !all {
		return loadApps(paths)
	}
	if len(paths) > 0 {
		return nil, fault.New(fault.Invalid, "--all takes every app: give no other")
	}
	paths, err := appPaths(s)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fault.Hint(fault.New(fault.Missing, "no app file is named as %s says: %q", s.Named("apps"), s.Apps),
			"run it in the folder that the patterns start from, or set apps")
	}
	return loadApps(paths)
}

// appPaths are the app files that the setting apps names, sorted.
func appPaths(s *settings.Settings) (paths []string, err error) {
	for _, pattern := range s.Apps {
		if !filepath.IsLocal(pattern) {
			return nil, fault.New(fault.Invalid, "%s: %q leads out of the working folder", s.Named("apps"), pattern)
		}
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s: %q: %w", s.Named("apps"), pattern, err)
		}
		paths = append(paths, found...)
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}
