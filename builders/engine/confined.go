package engine

import (
	"context"
	"fmt"

	"github.com/bakelite/bakelite/builders/daemon"
	"github.com/bakelite/bakelite/builders/stepnet"
	"github.com/bakelite/bakelite/internal/fault"
)

// allowsNetwork says whether a step that asks for a network may run here: on
// an own engine that confines it as the options say, or where the user lets
// steps into whatever network another engine has.
func (e *Engine) allowsNetwork(ctx context.Context) error {
	if !e.own {
		if e.options.UnconfinedNetwork {
			return nil
		}
		return fault.Hint(fault.New(fault.Policy, "the engine %s decides itself what its steps reach, maybe this machine and its network", e.Origin),
			"use an engine of Bakelite's own, or accept that by setting engine.unconfined-network to true")
	}
	workers, err := e.client.ListWorkers(ctx)
	if err != nil {
		return classify(fmt.Errorf("asking the engine: %w", err), failure{})
	}
	want := stepnet.FormatNetworks(e.options.Networks)
	for _, w := range workers {
		got, confined := w.Labels[daemon.NetworkLabel]
		switch {
		case !confined:
			return fault.Hint(fault.New(fault.Busy, "the engine that runs was started by a Bakelite that did not confine steps"), "run: bakelite engine stop")
		case got != want:
			return fault.Hint(fault.New(fault.Busy, "the engine that runs was started with engine.networks %q, and it is %q now", got, want), "run: bakelite engine stop")
		}
	}
	return nil
}
