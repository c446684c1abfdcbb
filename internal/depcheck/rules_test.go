package depcheck

// layer is a row of packages. A package may import those of its own row and
// of the rows below. A name ending in "/" stands for all packages below it;
// the longest name that fits a package counts.
type layer struct {
	name     string
	packages []string
}

// layers lists the rows from the top. Each package is in exactly one.
func layers() []layer {
	return []layer{
		{"commands", []string{"cmd/", "docs", "test/", "test", "bench/", "bench", "scripts/"}},
		{"flows", []string{"pipelines"}},
		{"stages", []string{"builders/container", "builders/vm", "scan/"}},
		{"adapters", []string{"builders/engine", "builders/rootfs", "internal/"}},
		{"ports and nouns", []string{"builders", "internal/app", "internal/lock", "internal/probe", "internal/policy", "scan", "scan/gate"}},
		{"leaves", []string{
			"internal/app/strict", "internal/archive/control", "internal/archive/deb", "internal/disk", "internal/disk/",
			"internal/cache", "internal/once", "internal/program", "templates",
		}},
		{"ground", []string{"internal/fault", "internal/limit"}},
	}
}

// ban keeps packages of this module apart that their rows would allow.
type ban struct {
	from, to []string
	why      string
}

func bans() []ban {
	return []ban{
		{[]string{"builders/container"}, []string{"builders/vm"}, "stages are siblings; pipelines knows their order"},
		{[]string{"builders/vm"}, []string{"builders/container"}, "stages are siblings; pipelines knows their order"},
		{[]string{"builders", "builders/"}, []string{"scan", "scan/"}, "builders make, scan judges"},
		{[]string{"scan", "scan/"}, []string{"builders", "builders/"}, "scan judges trees and images, whoever made them"},
		{[]string{"builders/rootfs"}, []string{"builders/engine"}, "the graph is pure; engine solves it"},
		{[]string{"templates", "internal/cache", "internal/fault", "internal/limit"}, []string{"builders", "internal/", "templates"}, "it imports nothing of ours"},
	}
}

// door says who may import a heavy dependency; the longest prefix that fits
// an import counts. Tests go through the same doors.
type door struct {
	prefix  string
	openers []string
}

func doors() []door {
	graphs := []string{"builders/engine", "builders/rootfs", "builders/container", "builders/vm"}
	packer := []string{"builders/vm", "cmd/packer-plugin-bakelite"}
	return []door{
		{"github.com/moby/buildkit/", []string{"builders/engine"}},
		{"github.com/moby/buildkit/client/llb", graphs},
		{"github.com/moby/buildkit/solver/pb", graphs},
		{"github.com/containerd/containerd/", []string{"builders/engine"}},
		{"github.com/tonistiigi/fsutil", []string{"builders/engine"}},
		{"go.etcd.io/bbolt", []string{"builders/engine", "scan/trivy/testdb"}},
		{"google.golang.org/grpc", []string{"builders/engine"}},
		{"github.com/hashicorp/packer-plugin-sdk/", packer},
		{"github.com/hashicorp/hcl/", packer},
		{"github.com/zclconf/go-cty/", packer},
		{"github.com/spf13/viper", []string{"internal/settings"}},
		{"github.com/go-viper/", []string{"internal/settings"}},
		{"github.com/spf13/pflag", []string{"internal/settings", "cmd/bakelite"}},
		{"github.com/spf13/cobra", []string{"cmd/bakelite"}},
		{"github.com/google/go-containerregistry/", []string{"internal/attest", "internal/oci", "internal/registry", "internal/sandbox", "test"}},
		{"github.com/aquasecurity/", []string{"scan/trivy", "scan/trivy/testdb"}},
		{"github.com/sigstore/", []string{"internal/attest", "internal/attest/sigstoretest"}},
		{"github.com/distribution/distribution/", []string{"internal/registry", "test"}},
		{"github.com/openvex/", []string{"scan/gate"}},
		{"github.com/elastic/", []string{"scan/child/cell"}},
		{"github.com/moby/profiles/", []string{"internal/sandbox"}},
		{"github.com/ProtonMail/go-crypto/", []string{"internal/archive", "test"}},
		{"github.com/goccy/go-yaml", []string{"internal/app", "internal/app/strict", "scan/controls"}},
		{"github.com/invopop/jsonschema", []string{"internal/app", "internal/policy"}},
	}
}

// never lists what no package imports, with the reason.
func never() map[string]string {
	return map[string]string{
		"github.com/hashicorp/packer/": "Packer is under the Business Source Licence; use packer-plugin-sdk",
		"github.com/docker/docker/":    "the engine is BuildKit; Docker is only a place where one may run",
		"C":                            "the program is built with CGO_ENABLED=0",
		"log":                          "use log/slog from the context, or return the error",
	}
}
