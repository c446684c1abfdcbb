package vm

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/zclconf/go-cty/cty"

	"github.com/bakelite/bakelite/builders"
	"github.com/bakelite/bakelite/internal/fault"
)

// BuilderID marks our artifacts for Packer's post-processors.
const BuilderID = "bakelite.disk"

// Config is what a Packer template may set.
type Config struct {
	// App is the path of the app file.
	App string `mapstructure:"app" required:"true"`
	// Output is the folder for the disk files, "dist" by default.
	Output string `mapstructure:"output"`
	// State is Bakelite's state folder, by default the user's.
	State string `mapstructure:"state"`
	// Frozen refuses to write a lock.
	Frozen bool `mapstructure:"frozen"`
	// SkipTests leaves the declared tests out.
	SkipTests bool `mapstructure:"skip_tests"`
}

// Builder is the Packer builder "bakelite-disk". Bakelite drives it in
// process, and the plugin registers it; Bake is what differs.
type Builder struct {
	Bake   func(ctx context.Context, c Config, say func(string)) ([]builders.Artifact, error)
	config Config
}

var _ packersdk.Builder = (*Builder)(nil)

// ConfigSpec describes Config to HCL.
func (b *Builder) ConfigSpec() hcldec.ObjectSpec {
	attr := func(name string, kind cty.Type, required bool) *hcldec.AttrSpec {
		return &hcldec.AttrSpec{Name: name, Type: kind, Required: required}
	}
	return hcldec.ObjectSpec{
		"app":        attr("app", cty.String, true),
		"output":     attr("output", cty.String, false),
		"state":      attr("state", cty.String, false),
		"frozen":     attr("frozen", cty.Bool, false),
		"skip_tests": attr("skip_tests", cty.Bool, false),
	}
}

// Prepare decodes and checks the configuration.
func (b *Builder) Prepare(raws ...any) (variables, warnings []string, err error) {
	err = config.Decode(&b.config, &config.DecodeOpts{PluginType: BuilderID, Interpolate: true}, raws...)
	if err != nil {
		return nil, nil, fmt.Errorf("reading builder configuration: %w", err)
	}
	if b.config.App == "" {
		return nil, nil, fault.New(fault.Invalid, "builder bakelite-disk: app: the path of an app file is missing")
	}
	if b.config.Output == "" {
		b.config.Output = "dist"
	}
	return nil, nil, nil
}

// Run bakes the disk.
func (b *Builder) Run(ctx context.Context, ui packersdk.Ui, _ packersdk.Hook) (packersdk.Artifact, error) {
	disks, err := b.Bake(ctx, b.config, ui.Say)
	if err != nil {
		return nil, err
	}
	return &Artifact{Disks: disks}, nil
}

// Artifact is the disk in its formats, for Packer.
type Artifact struct{ Disks []builders.Artifact }

var _ packersdk.Artifact = (*Artifact)(nil)

// BuilderId returns BuilderID.
func (a *Artifact) BuilderId() string { return BuilderID }

// Id returns the digest of the first disk file.
func (a *Artifact) Id() string {
	if len(a.Disks) == 0 {
		return ""
	}
	return a.Disks[0].Digest
}

// Files returns the paths of the disk files.
func (a *Artifact) Files() []string {
	var paths []string
	for _, d := range a.Disks {
		if d.Kind == builders.Disk {
			paths = append(paths, d.Path)
		}
	}
	return paths
}

// String says what was made.
func (a *Artifact) String() string { return "disk files: " + strings.Join(a.Files(), ", ") }

// State has nothing to tell.
func (a *Artifact) State(string) any { return nil }

// Destroy leaves the files: they are results, not scratch.
func (a *Artifact) Destroy() error { return nil }

// Drive makes a disk with the Packer builder, in this process.
func Drive(ctx context.Context, o Order) ([]builders.Artifact, error) {
	b := &Builder{Bake: func(ctx context.Context, _ Config, _ func(string)) ([]builders.Artifact, error) {
		return o.build(ctx)
	}}
	quiet := &packersdk.BasicUi{Reader: strings.NewReader(""), Writer: io.Discard, ErrorWriter: io.Discard}
	if _, _, err := b.Prepare(map[string]any{"app": o.Graph.App.Path, "output": o.Output}); err != nil {
		return nil, err
	}
	made, err := b.Run(ctx, quiet, &packersdk.DispatchHook{})
	if err != nil {
		return nil, err
	}
	return made.(*Artifact).Disks, nil
}
