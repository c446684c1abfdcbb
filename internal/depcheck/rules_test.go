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
		{"commands", []string{"cmd/", "docs", "test/", "test", "bench/", "bench", "scripts/", "scripts"}},
		{"lines", []string{"pipelines", "pipelines/channels", "pipelines/fleet"}},
		{"flows", []string{"pipelines/"}},
		{"publishing", []string{"publish", "publish/"}},
		{"stages", []string{"scan", "scan/", "builders", "builders/", "runners/", "distro/"}},
		{"nouns", []string{"internal/"}},
		{"leaves", []string{"internal/cache", "internal/cancel", "internal/digests", "internal/disk", "internal/dockerfile", "internal/disk/", "internal/flock", "internal/once", "internal/owner", "internal/plain", "internal/private", "internal/program", "internal/registry", "internal/regular", "internal/retry", "internal/shell", "internal/sparse", "internal/strict", "internal/units"}},
		{"ground", []string{"internal/fault", "internal/limit", "templates"}},
	}
}

// stages are rooms beside each other: none imports another.
func stages() []string { return []string{"scan", "builders", "runners", "distro"} }

// flows are beside each other too, but that one bakes from what is pinned.
// What they share is below them: the results, and what is seen in them.
func flows() []string {
	return []string{"pipelines/pin", "pipelines/bake", "pipelines/release", "pipelines/look"}
}

// ban keeps packages of this module apart that their rows would allow.
type ban struct {
	from, to []string
	why      string
}

func bans() []ban {
	all := []ban{
		{[]string{"builders/container"}, []string{"builders/vm"}, "one kind of artifact knows nothing of the other"},
		{[]string{"builders/vm"}, []string{"builders/container"}, "one kind of artifact knows nothing of the other"},
		{[]string{"runners/container"}, []string{"runners/machine"}, "one kind of artifact knows nothing of the other"},
		{[]string{"runners/machine/qemu"}, []string{"internal/app", "internal/profile"}, "it is about the program, not about what it boots"},
		{[]string{"runners/machine"}, []string{"runners/container"}, "one kind of artifact knows nothing of the other"},
		{[]string{"pipelines/results", "pipelines/examine"}, []string{"pipelines/"}, "flows stand on them"},
		{[]string{"builders/rootfs"}, []string{"builders/engine"}, "the graph is pure; engine solves it"},
		{[]string{"builders/daemon"}, []string{"builders/engine", "builders/progress"}, "it serves graphs and knows nothing of who asks"},
		{[]string{"builders/tree", "builders/tree/"}, []string{"builders", "builders/daemon", "builders/engine", "builders/rootfs", "builders/container", "builders/vm", "internal/app", "internal/lock"}, "it runs in a step, apart from those who ask for it, and is small"},
		{[]string{"publish/keys", "publish/sigstore"}, []string{"publish", "publish/attest", "publish/intoto", "internal/policy"}, "keys and services know nothing of what is stated by them"},
		{[]string{"publish/intoto"}, []string{"publish", "publish/attest", "publish/keys", "publish/sigstore"}, "what is stated knows nothing of who signs it"},
		{[]string{"templates", "internal/fault", "internal/limit"}, []string{"internal/", "templates"}, "it imports nothing of ours"},
	}
	for _, from := range flows() {
		for _, to := range flows() {
			if from != to && !(from == "pipelines/bake" && to == "pipelines/pin") {
				all = append(all, ban{[]string{from}, []string{to}, "flows are siblings; pipelines and pipelines/fleet know their order"})
			}
		}
	}
	for _, from := range stages() {
		for _, to := range stages() {
			if from != to {
				all = append(all, ban{[]string{from, from + "/"}, []string{to, to + "/"}, "stages are siblings; pipelines knows their order"})
			}
		}
	}
	return all
}

// door says who may import a heavy dependency, or what of ours is as heavy; the
// longest prefix that fits an import counts. Tests go through the same doors.
type door struct {
	prefix  string
	openers []string
}

func doors() []door {
	graphs := []string{"builders/engine", "builders/rootfs", "builders/container", "builders/vm"}
	packer := []string{"builders/vm", "cmd/packer-plugin-bakelite"}
	return []door{
		{"github.com/moby/buildkit/", []string{"builders/daemon", "builders/engine", "builders/progress"}},
		{"github.com/moby/buildkit/client/llb", graphs},
		{"github.com/moby/buildkit/frontend/dockerfile/parser", []string{"builders/engine", "internal/dockerfile"}},
		{"github.com/moby/buildkit/frontend/dockerfile/instructions", []string{"internal/dockerfile"}},
		{"github.com/moby/buildkit/frontend/dockerfile/shell", []string{"internal/dockerfile"}},
		{"github.com/moby/buildkit/solver/pb", append(graphs, "builders/daemon", "builders/progress")},
		{"github.com/containerd/containerd/", []string{"builders/daemon", "builders/engine"}},
		{"github.com/tonistiigi/fsutil", []string{"builders/engine"}},
		{"go.etcd.io/bbolt", []string{"builders/daemon", "scan/trivy/testdb"}},
		{"google.golang.org/grpc", []string{"builders/daemon", "builders/engine"}},
		{"gvisor.dev/gvisor/", []string{"builders/stepnet"}},
		{"github.com/vishvananda/", []string{"builders/stepnet"}},
		{"github.com/hashicorp/packer-plugin-sdk/", packer},
		{"github.com/hashicorp/hcl/", packer},
		{"github.com/zclconf/go-cty/", packer},
		{"github.com/spf13/viper", []string{"cmd/internal/settings"}},
		{"github.com/go-viper/", []string{"cmd/internal/settings"}},
		{"github.com/spf13/pflag", []string{"cmd/internal/settings", "cmd/bakelite"}},
		{"github.com/spf13/cobra", []string{"cmd/bakelite"}},
		{"github.com/google/go-containerregistry/", []string{"publish/attest", "internal/oci", "internal/registry", "internal/registry/registrytest", "runners/container", "test", "test/harness"}},
		{"github.com/aquasecurity/", []string{"scan/trivy", "scan/trivy/analysis", "scan/trivy/testdb"}},
		{module + "/scan/trivy", []string{"cmd/bakelite-scan"}},
		{module + "/scan/trivy/analysis", []string{"scan/trivy"}},
		{module + "/scan/trivy/testdb", []string{"scan/trivy", "test/testdb"}},
		{"github.com/sigstore/", []string{"publish/attest", "publish/attest/sigstoretest", "publish/keys", "publish/sigstore"}},
		{"github.com/youmark/pkcs8", []string{"publish/keys"}},
		{"github.com/distribution/distribution/", []string{"internal/registry/registrytest", "test/harness"}},
		{"mvdan.cc/sh/", []string{"internal/dockerfile"}},
		{"github.com/openvex/", []string{"scan/gate"}},
		{"github.com/elastic/", []string{"scan/sandbox"}},
		{"github.com/ProtonMail/go-crypto/", []string{"distro/debian/index", "distro/debian/archivetest", "test"}},
		{"github.com/goccy/go-yaml", []string{"internal/app", "internal/profile/form", "internal/strict", "scan/controls/catalogue", "scan/host"}},
		{"github.com/invopop/jsonschema", []string{"internal/app", "internal/policy", "internal/strict/stricttest"}},
	}
}

// maxChain bounds how many packages import one another in a row, and maxFiles
// how many files a package has, without tests.
const (
	maxChain = 9
	maxFiles = 12
)

// larger lists the packages with more than maxFiles files, and what makes
// each of them one.
func larger() map[string]string {
	return map[string]string{
		"cmd/bakelite":      "peers: a file per command",
		"internal/registry": "peers: a file per operation on both kinds of store, behind one interface",
		"internal/app":      "peers: a file per stanza of the app file",
		"scan/gate":         "peers: a file per rule of the policy",
		"bench":             "peers: a file per kind of measure",
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
