// Package host judges a machine that runs containers by the host, daemon,
// file and runtime parts of the CIS Docker Benchmark, as far as a program can:
// by its files, its kernel, its running processes and what its engine says of
// its containers. It only reads. What cannot be read is never taken for good.
// Commands may import it.
package host

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/tree"
	"github.com/bakelite/bakelite/templates"
)

// Control is one thing that a host is judged by; templates/host has them.
type Control struct {
	// ID is "CIS-DOCKER-" and the benchmark's number, or "BK-HOST-" and ours.
	ID    string `yaml:"id"`
	Title string `yaml:"title"`
	// Level is the benchmark's: 2 costs function.
	Level int `yaml:"level"`
	// Kind is one of judges; the fields below are its parameters.
	Kind string `yaml:"kind"`
	// Key is a key of daemon.json, of containers.conf (section.key) or of the
	// kernel, or one of containerChecks. Flag is dockerd's argument where it is
	// called otherwise.
	Key  string `yaml:"key"`
	Flag string `yaml:"flag"`
	// Want are the values that are good, "*" for any, and Default is what
	// counts where nothing is set.
	Want    []string `yaml:"want"`
	Default string   `yaml:"default"`
	// Paths are files or folders; Owner and Mode are what they have at most.
	Paths []string `yaml:"paths"`
	Owner string   `yaml:"owner"`
	Mode  uint32   `yaml:"mode"`
	// Fix says what to do.
	Fix string `yaml:"fix"`
}

// Result is whether a control holds on a machine, and what to do.
type Result struct {
	controls.Result
	// Place is what was looked at, "" where that is no file.
	Place string `json:"place,omitempty"`
	Fix   string `json:"fix,omitempty"`
}

// Load returns all controls; an error is a defect of this program and names
// every record that is wrong.
func Load() ([]Control, error) { return parse([]byte(templates.Text("host/host.yaml"))) }

func parse(text []byte) ([]Control, error) {
	var all []Control
	if err := yaml.UnmarshalWithOptions(text, &all, yaml.Strict()); err != nil {
		return nil, fault.As(fault.Internal, fmt.Errorf("reading controls of hosts: %w", err))
	}
	var errs []error
	seen := map[string]bool{}
	for _, c := range all {
		switch {
		case seen[c.ID]:
			errs = append(errs, fmt.Errorf("%s is there twice", c.ID))
		case judges()[c.Kind] == nil || c.Kind == "container" && containerChecks()[c.Key] == nil:
			errs = append(errs, fmt.Errorf("%s: there is no kind %q %q", c.ID, c.Kind, c.Key))
		case c.ID == "" || c.Title == "" || c.Fix == "" || c.Level < 1 || c.Level > 2:
			errs = append(errs, fmt.Errorf("%q lacks an identifier, a title, a level or a fix", c.ID))
		}
		seen[c.ID] = true
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fault.As(fault.Internal, fmt.Errorf("reading controls of hosts: %w", err))
	}
	return all, nil
}

// Machine is what is judged.
type Machine struct {
	// Tree is the machine's root, with /proc where it runs.
	Tree tree.Tree
	// Sockets are those that its engines may listen on.
	Sockets []string
}

// Sockets are where engines listen that nobody told otherwise.
func Sockets() []string { return []string{"/run/docker.sock", "/run/podman/podman.sock"} }

// Judge says which controls up to a level hold.
func Judge(ctx context.Context, m Machine, all []Control, level int) []Result {
	facts := gather(ctx, m)
	var results []Result
	for _, c := range all {
		if c.Level > level {
			continue
		}
		f := judges()[c.Kind](facts, c)
		r := Result{Result: controls.Result{ID: c.ID, Title: c.Title, Level: c.Level, Passed: f.bad == "", NotApplicable: f.bad == "" && f.none != "", Detail: f.none}, Place: f.place}
		if f.bad != "" {
			r.Fix, r.Detail = c.Fix, bounded(f.bad)
		}
		results = append(results, r)
	}
	return results
}

// bounded is a text of the machine's as results have it.
func bounded(text string) string {
	if text = controls.Printable(text); len(text) > controls.MaxDetail {
		return text[:controls.MaxDetail-3] + "..."
	}
	return text
}

// Controls are the results without what to do, for the policy.
func Controls(all []Result) []controls.Result {
	var plain []controls.Result
	for _, r := range all {
		plain = append(plain, r.Result)
	}
	return slices.Clip(plain)
}
