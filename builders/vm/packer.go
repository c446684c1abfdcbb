package vm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
)

// BuilderID marks our artifacts for Packer's post-processors.
const BuilderID = "bakelite.disk"

// Config is what a Packer template may set; docs/packer.md describes it.
type Config struct {
	// App is the path of the app file, or of the folder of an app.yaml.
	App string `mapstructure:"app"`
	// Output is the folder for the disk files; "" means the setting output.
	Output string `mapstructure:"output"`
	// State is Bakelite's state folder; "" means the setting state.
	State string `mapstructure:"state"`
	// Frozen refuses to write a lock.
	Frozen bool `mapstructure:"frozen"`
	// SkipTests leaves the declared tests out; the receipt says so.
	SkipTests bool `mapstructure:"skip_tests"`
	// SecureBootKey is the path of the key that signs the disk's EFI program;
	// "" means the settings secure-boot.key and secure-boot.certificate.
	SecureBootKey string `mapstructure:"secure_boot_key"`
	// SecureBootCertificate is the path of that key's certificate; the two are
	// set together.
	SecureBootCertificate string `mapstructure:"secure_boot_certificate"`
}

// Builder is the Packer builder "bakelite-disk". Bakelite drives it in
// process, and the plugin registers it; Check and Bake are what differs.
type Builder struct {
	// Check looks further at a configuration whose form is right, before any
	// work is done; nil stands for no further look.
	Check func(Config) error
	// Bake makes what a configuration asks for and hands each line of
	// progress to say.
	Bake   func(ctx context.Context, c Config, say func(string)) ([]artifact.Artifact, error)
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

		"secure_boot_key":         attr("secure_boot_key", cty.String, false),
		"secure_boot_certificate": attr("secure_boot_certificate", cty.String, false),
	}
}

// unknown is what Packer's core hands on for a value that only the build will
// know (hcl2template/shim).
const unknown = "<unknown>"

// Prepare decodes and checks the configuration, and returns the names of the
// variables that a finished build has. Its errors are of kind fault.Invalid
// unless Check says otherwise.
func (b *Builder) Prepare(raws ...any) (names, warnings []string, err error) {
	b.config = Config{}
	if err := b.decode(raws); err != nil {
		return nil, nil, err
	}
	if b.Check == nil || b.config.App == unknown {
		return variables(), nil, nil
	}
	return variables(), nil, b.Check(b.config)
}

func (b *Builder) decode(raws []any) error {
	plain, err := plainValues(raws)
	if err != nil {
		return err
	}
	err = config.Decode(&b.config, &config.DecodeOpts{PluginType: BuilderID, Interpolate: true}, plain...)
	if err != nil {
		return fault.New(fault.Invalid, "reading configuration of bakelite-disk: %w", err)
	}
	if b.config.App == "" {
		return fault.New(fault.Invalid, "bakelite-disk: app names no file; set it to the path of an app file, or of a folder with an app.yaml")
	}
	if (b.config.SecureBootKey == "") != (b.config.SecureBootCertificate == "") {
		return fault.New(fault.Invalid, "bakelite-disk: set secure_boot_key and secure_boot_certificate together, or neither")
	}
	return nil
}

// plainValues turns the values of an HCL template into maps. Decode would do
// so itself, but only for a Config that has a second, flat form.
func plainValues(raws []any) ([]any, error) {
	plain := make([]any, len(raws))
	for i, raw := range raws {
		value, ok := raw.(cty.Value)
		if !ok {
			plain[i] = raw
			continue
		}
		text, err := ctyjson.SimpleJSONValue{Value: value}.MarshalJSON()
		if err != nil {
			return nil, fault.New(fault.Invalid, "reading configuration of bakelite-disk: %w", err)
		}
		var m map[string]any
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, fault.New(fault.Invalid, "reading configuration of bakelite-disk: %w", err)
		}
		plain[i] = m
	}
	return plain, nil
}

// Run bakes the disk that Prepare was given. Without an artifact of kind
// artifact.Disk it is an error.
func (b *Builder) Run(ctx context.Context, ui packersdk.Ui, _ packersdk.Hook) (packersdk.Artifact, error) {
	made, err := b.Bake(ctx, b.config, ui.Say)
	if err != nil {
		return nil, err
	}
	artifact := newArtifact(made)
	if len(artifact.Disks) == 0 {
		return nil, errors.New("baking made no disk")
	}
	return artifact, nil
}

// Drive makes a disk with the Packer builder, in this process: what a template
// of Packer's makes is made by the code that every build runs. The SDK decodes
// and checks a configuration, as it does for a template; what is baked by is
// the order, which holds a graph and a signer and has no form as text.
func Drive(ctx context.Context, o Order) ([]artifact.Artifact, error) {
	b := &Builder{Bake: func(ctx context.Context, _ Config, _ func(string)) ([]artifact.Artifact, error) {
		return o.build(ctx)
	}}
	quiet := &packersdk.BasicUi{Reader: strings.NewReader(""), Writer: io.Discard, ErrorWriter: io.Discard}
	if _, _, err := b.Prepare(cty.ObjectVal(map[string]cty.Value{
		"app": cty.StringVal(o.Graph.App.Path), "output": cty.StringVal(o.Output),
	})); err != nil {
		return nil, err
	}
	made, err := b.Run(ctx, quiet, &packersdk.DispatchHook{})
	if err != nil {
		return nil, err
	}
	disk, ok := made.(*Artifact)
	if !ok {
		return nil, fmt.Errorf("reading Packer's artifact: it is a %T", made)
	}
	return disk.Disks, nil
}
