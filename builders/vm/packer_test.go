package vm

import (
	"context"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/hcl/v2/hclparse"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/zclconf/go-cty/cty"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
)

// core is what Packer's core adds to the configuration of a builder.
func core() map[string]any {
	return map[string]any{"packer_build_name": "web", "packer_builder_type": "bakelite-disk", "packer_debug": "false"}
}

// decodeHCL reads the body of a source block as Packer's core does.
func decodeHCL(t *testing.T, body string) (cty.Value, error) {
	t.Helper()
	file, diags := hclparse.NewParser().ParseHCL([]byte(body), "t.pkr.hcl")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	value, diags := hcldec.Decode(file.Body, (&Builder{}).ConfigSpec(), nil)
	if diags.HasErrors() {
		return value, diags
	}
	return value, nil
}

func TestConfigSpecHasEveryField(t *testing.T) {
	kinds := map[reflect.Kind]cty.Type{reflect.String: cty.String, reflect.Bool: cty.Bool}
	want := map[string]cty.Type{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		want[f.Tag.Get("mapstructure")] = kinds[f.Type.Kind()]
	}
	got := hcldec.ImpliedType((&Builder{}).ConfigSpec()).AttributeTypes()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the specification has %v, Config %v", got, want)
	}
}

func TestPrepare(t *testing.T) {
	all := Config{App: "web", Output: "out", State: "state", Frozen: true, SkipTests: true, SecureBootKey: "k", SecureBootCertificate: "c"}
	for name, test := range map[string]struct {
		body string
		want Config
	}{
		"all":  {"app = \"web\"\noutput = \"out\"\nstate = \"state\"\nfrozen = true\nskip_tests = true\nsecure_boot_key = \"k\"\nsecure_boot_certificate = \"c\"", all},
		"text": {"app = \"web\"\nfrozen = \"true\"", Config{App: "web", Frozen: true}},
		"app":  {`app = "web"`, Config{App: "web"}},
	} {
		t.Run(name, func(t *testing.T) {
			value, err := decodeHCL(t, test.body)
			if err != nil {
				t.Fatal(err)
			}
			b := &Builder{config: Config{State: "an earlier one"}}
			names, warnings, err := b.Prepare(core(), value)
			if err != nil || warnings != nil || !slices.Equal(names, []string{"Digest", "Path"}) {
				t.Fatal(names, warnings, err)
			}
			if b.config != test.want {
				t.Errorf("got %+v, want %+v", b.config, test.want)
			}
		})
	}
}

func TestPrepareJSONTemplate(t *testing.T) {
	b := &Builder{}
	if _, _, err := b.Prepare(map[string]any{"type": "bakelite-disk", "app": "{{ `web` }}", "frozen": "true"}, core()); err != nil {
		t.Fatal(err)
	}
	if want := (Config{App: "web", Frozen: true}); b.config != want {
		t.Errorf("got %+v, want %+v", b.config, want)
	}
	_, _, err := b.Prepare(map[string]any{"app": "web", "outputs": "x"}, core())
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "outputs") {
		t.Errorf("an unknown key gave %v", err)
	}
}

func TestHCLRefuses(t *testing.T) {
	for body, want := range map[string]string{
		"app = \"web\"\noutputs = \"x\"":      `named "outputs" is not expected here. Did you mean "output"?`,
		"app = \"web\"\nvm { size = 1 }":      `type "vm" are not expected`,
		"app = \"web\"\nfrozen = \"perhaps\"": "a bool is required",
		"output = \"x\"":                      `"app" is required`,
	} {
		if _, err := decodeHCL(t, body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gave %v, want %q", body, err, want)
		}
	}
}

func TestPrepareChecks(t *testing.T) {
	wrong := fault.New(fault.Missing, "no such app")
	var seen []string
	b := &Builder{Check: func(c Config) error { seen = append(seen, c.App); return wrong }}
	for _, test := range []struct {
		app  string
		want error
	}{{"web", wrong}, {"<unknown>", nil}} {
		if _, _, err := b.Prepare(map[string]any{"app": test.app}); !errors.Is(err, test.want) {
			t.Errorf("%s gave %v", test.app, err)
		}
	}
	if _, _, err := b.Prepare(map[string]any{"app": ""}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an empty app gave %v", err)
	}
	for _, half := range []string{"secure_boot_key", "secure_boot_certificate"} {
		if _, _, err := b.Prepare(map[string]any{"app": "web", half: "x"}); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "together") {
			t.Errorf("%s alone gave %v", half, err)
		}
	}
	if !slices.Equal(seen, []string{"web"}) {
		t.Errorf("checked %q", seen)
	}
}

func TestRun(t *testing.T) {
	disk := artifact.Artifact{Kind: artifact.Disk, Format: "raw", Path: "dist/web.raw", Digest: "sha256:ab", Size: 2e6}
	second := artifact.Artifact{Kind: artifact.Disk, Format: "qcow2", Path: "dist/web.qcow2", Digest: "sha256:cd", Size: 1e6}
	image := artifact.Artifact{Kind: artifact.Container, Path: "dist/web.oci"}
	ctx, cancel := context.WithCancel(t.Context())
	var shown strings.Builder
	ui := &packersdk.BasicUi{Reader: strings.NewReader(""), Writer: &shown, ErrorWriter: io.Discard}
	b := &Builder{Bake: func(ctx context.Context, c Config, say func(string)) ([]artifact.Artifact, error) {
		say("baking " + c.App)
		return []artifact.Artifact{image, disk, second}, ctx.Err()
	}}
	if _, _, err := b.Prepare(map[string]any{"app": "web"}); err != nil {
		t.Fatal(err)
	}
	a, err := b.Run(ctx, ui, &packersdk.DispatchHook{})
	if err != nil {
		t.Fatal(err)
	}
	if a.BuilderId() != BuilderID || a.Id() != disk.Digest || !slices.Equal(a.Files(), []string{disk.Path, second.Path}) {
		t.Errorf("got %s, %s, %q", a.BuilderId(), a.Id(), a.Files())
	}
	if want := map[string]string{"Digest": disk.Digest, "Path": disk.Path}; !reflect.DeepEqual(a.State("generated_data"), want) {
		t.Errorf("generated data is %v", a.State("generated_data"))
	}
	if a.State("other") != nil || !strings.Contains(a.String(), "dist/web.qcow2 (qcow2, 1.0 MB, sha256:cd)") {
		t.Errorf("got %v and %q", a.State("other"), a)
	}
	if shown.String() != "baking web\n" {
		t.Errorf("showed %q", shown.String())
	}
	cancel()
	if a, err := b.Run(ctx, ui, &packersdk.DispatchHook{}); a != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run gave %v, %v", a, err)
	}
}

func TestRunWithoutDisk(t *testing.T) {
	b := &Builder{Bake: func(context.Context, Config, func(string)) ([]artifact.Artifact, error) {
		return []artifact.Artifact{{Kind: artifact.Container}}, nil
	}}
	if a, err := b.Run(t.Context(), &packersdk.BasicUi{}, &packersdk.DispatchHook{}); a != nil || err == nil {
		t.Errorf("got %v, %v", a, err)
	}
}
