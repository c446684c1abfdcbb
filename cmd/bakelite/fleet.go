package main

import (
	"time"

	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines"
	"github.com/bakelite/bakelite/pipelines/fleet"
)

// fleetOf constructs what the flows of many apps work with.
func fleetOf(k pipelines.Kitchen, s *settings.Settings) fleet.Fleet {
	return fleet.Fleet{
		Kitchen: k, Archive: k.Archive, State: s.State, Output: s.Output, Version: k.Version,
		Policy: update.Policy{Triggers: []string{update.OnAny}}, Jobs: atOnce(s, 1<<20), Now: time.Now,
	}
}
