package catalogue

import (
	"errors"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/templates"
)

// Benchmark is what becomes of each recommendation of one benchmark.
type Benchmark struct {
	// Source is a key of controls.Sources.
	Source string `yaml:"source"`
	// Scope says which parts of it are listed.
	Scope           string           `yaml:"scope"`
	Recommendations []Recommendation `yaml:"recommendations"`
}

// Recommendation is one section of a benchmark.
type Recommendation struct {
	Section string `yaml:"section"`
	// Title says in our words what it wants.
	Title string `yaml:"title"`
	// Status is one of Statuses.
	Status string `yaml:"status"`
	// Controls are the identifiers of those that apply it.
	Controls []string `yaml:"controls"`
	// Why says how it is met, what is left to do, or what lacks.
	Why string `yaml:"why"`
}

// Status is what can become of a recommendation.
type Status struct{ Key, Title string }

// Statuses lists them in the order of the document.
func Statuses() []Status {
	return []Status{
		{"applied", "applied by controls, which are checked on what ships"},
		{"construction", "met by how artifacts are made and run"},
		{"operator", "left to who runs it"},
		{"gap", "not covered"},
	}
}

// Benchmarks returns those of templates/hardening; an error is a defect of this
// program and names every entry that is wrong.
func Benchmarks(cs []controls.Control) ([]Benchmark, error) {
	var all []Benchmark
	for _, name := range []string{"audit", "cis-docker", "kspp"} {
		b, err := parseBenchmark([]byte(templates.Text("hardening/"+name+".yaml")), cs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, b)
	}
	return all, nil
}

func parseBenchmark(text []byte, cs []controls.Control) (Benchmark, error) {
	var b Benchmark
	if err := yaml.UnmarshalWithOptions(text, &b, yaml.Strict()); err != nil {
		return b, fault.As(fault.Internal, fmt.Errorf("reading benchmark: %w", err))
	}
	var errs []error
	if controls.Sources()[b.Source] == "" {
		errs = append(errs, fmt.Errorf("nothing is known about the source %q", b.Source))
	}
	if b.Scope == "" {
		errs = append(errs, errors.New("it does not say which parts are listed"))
	}
	seen := map[string]bool{}
	for _, r := range b.Recommendations {
		for _, problem := range r.problems(cs, seen[r.Section]) {
			errs = append(errs, fmt.Errorf("%s: %s", r.Section, problem))
		}
		seen[r.Section] = true
	}
	if err := errors.Join(errs...); err != nil {
		return b, fault.As(fault.Internal, fmt.Errorf("reading benchmark: %w", err))
	}
	return b, nil
}

func (r Recommendation) problems(cs []controls.Control, twice bool) []string {
	var all []string
	for _, p := range []struct {
		wrong bool
		what  string
	}{
		{twice, "it is there twice"},
		{r.Section == "" || r.Title == "", "it has no section or no title"},
		{!slices.ContainsFunc(Statuses(), func(s Status) bool { return s.Key == r.Status }), "there is no status " + r.Status},
		{(r.Status == "applied") != (len(r.Controls) > 0), "controls and the status applied go together"},
		{r.Status != "applied" && r.Why == "", "it does not say why"},
	} {
		if p.wrong {
			all = append(all, p.what)
		}
	}
	for _, id := range r.Controls {
		if !slices.ContainsFunc(cs, func(c controls.Control) bool { return c.ID == id }) {
			all = append(all, "there is no control "+id)
		}
	}
	return all
}
