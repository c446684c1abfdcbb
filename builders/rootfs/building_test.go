package rootfs

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/templates"
)

// TestBuildPackagesStayApart: the Dockerfile sees the packages of the build,
// and the tree that goes on is the one without them.
func TestBuildPackagesStayApart(t *testing.T) {
	g := graph(func(g *Graph) { g.App.Base.Dockerfile = "Dockerfile" })
	k := container(g)
	k.Build = []lock.Pin{{Name: "gcc", Version: "14", Arch: "amd64", Archive: "debian", Path: "pool/gcc.deb", SHA256: strings.Repeat("a", 64)}}
	tree, err := g.Built(t.Context(), k, dockerfiles{})
	if err != nil {
		t.Fatal(err)
	}
	const install, run = "[build] install 1 packages for Dockerfile", "RUN of a Dockerfile"
	all, text := steps(t, tree)
	if !slices.Contains(all, install) || !strings.Contains(text, `"remove":["gcc"]`) {
		t.Fatalf("the steps are %q", all)
	}
	merged := 0
	for under, op := range walked(t, tree) {
		merge := op.GetMerge()
		if merge == nil {
			continue
		}
		merged++
		first, second := under[0], under[1]
		if slices.Contains(first, install) || slices.Contains(first, run) {
			t.Errorf("the tree stands on %q", first)
		}
		if !slices.Contains(second, install) || !slices.Contains(second, run) {
			t.Errorf("what is laid over it comes from %q", second)
		}
	}
	if merged != 1 {
		t.Errorf("%d trees are merged", merged)
	}
}

// walked yields the operations of a graph, with the names of the steps below
// each input.
func walked(t *testing.T, s llb.State) func(yield func([][]string, *pb.Op) bool) {
	t.Helper()
	d, err := s.Marshal(t.Context(), llb.LinuxAmd64)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func([][]string, *pb.Op) bool) {
		below := map[string][]string{}
		for _, def := range d.Def { // inputs come first
			var op pb.Op
			if err := op.UnmarshalVT(def); err != nil {
				t.Fatal(err)
			}
			of := digest.FromBytes(def)
			names := []string{d.Metadata[of].Description["llb.customname"]}
			var inputs [][]string
			for _, input := range op.Inputs {
				inputs = append(inputs, below[input.Digest])
				names = append(names, below[input.Digest]...)
			}
			below[string(of)] = names
			if !yield(inputs, &op) {
				return
			}
		}
	}
}

// TestAptGet asks the apt-get of builds about dpkg's own database.
func TestAptGet(t *testing.T) {
	if _, err := exec.LookPath("dpkg-query"); err != nil {
		t.Skip("needs dpkg-query")
	}
	dir := t.TempDir()
	script, status := filepath.Join(dir, "apt-get"), filepath.Join(dir, "status")
	const database = `Package: jq
Status: install ok installed
Version: 1.7.1-6
Architecture: amd64
Maintainer: x
Description: x

Package: g++
Status: install ok installed
Version: 4:14.2.0-1
Architecture: amd64
Provides: c++-compiler, c++abi2-dev (= 1)
Maintainer: x
Description: x

Package: curl
Status: deinstall ok config-files
Version: 8
Architecture: amd64
Maintainer: x
Description: x
`
	for name, text := range map[string]string{script: templates.Text("rootfs/apt-get.sh"), status: database, filepath.Join(dir, "available"): ""} {
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for args, want := range map[string]string{
		"update": "", "-qq -o A::B=c clean": "", "": "", "autoremove -y": "",
		"install -y --no-install-recommends jq g++":                 "jq 1.7.1-6 is installed",
		"install -y -t trixie-backports jq:amd64 jq/trixie jq=1.7*": "jq 1.7.1-6 is installed",
		"install c++-compiler":                                      "c++-compiler 4:14.2.0-1 is installed",
		"install jq=1.6":                                            "app file: base.dockerfile: the lock has jq 1.7.1-6, not 1.6; next: leave the version out",
		"install jq curl":                                           "app file: base.dockerfile: curl is not in the lock; next: name curl under packages",
		"install q":                                                 "q is not in the lock",
		"install c++abi":                                            "c++abi is not in the lock",
		"source jq":                                                 "apt-get source cannot run",
	} {
		command := exec.CommandContext(t.Context(), "sh", append([]string{script}, strings.Fields(args)...)...)
		command.Env = []string{"PATH=/usr/bin:/bin", "DPKG_ADMINDIR=" + dir}
		out, err := command.CombinedOutput()
		if !strings.Contains(string(out), want) || (err != nil) != strings.Contains(string(out), "; next: ") || want == "" && len(out) > 0 {
			t.Errorf("apt-get %s: %v: %s", args, err, out)
		}
	}
}
