package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/v2/core/diff/apply"
	"github.com/containerd/containerd/v2/plugins/diff/walking"
	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/cmd/buildkitd/config"
	"github.com/moby/buildkit/executor/oci"
	"github.com/moby/buildkit/executor/resources"
	"github.com/moby/buildkit/executor/runcexecutor"
	"github.com/moby/buildkit/util/disk"
	"github.com/moby/buildkit/util/resolver"
	"github.com/moby/buildkit/worker/base"
	"github.com/moby/buildkit/worker/label"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/builders/stepnet"
	"github.com/bakelite/bakelite/internal/fault"
)

// newWorker puts together what executes steps. BuildKit's own constructor
// knows other networks than ours.
func newWorker(ctx context.Context, o ServeOptions) (*base.Worker, error) {
	kind, snapshots := snapshotter(o.State)
	root := filepath.Join(o.State, "runc-"+kind)
	opt, err := openStores(root, kind, snapshots)
	if err == nil {
		err = addExecutor(&opt, o)
	}
	if err == nil {
		opt.ID, err = base.ID(root)
	}
	if err != nil {
		return nil, fault.Hint(fault.As(fault.Missing, err), "run: bakelite doctor")
	}
	host, _ := os.Hostname() // a label for people
	opt.Labels = map[string]string{
		label.Executor: "oci", label.Snapshotter: kind, label.Hostname: host, label.OCIProcessMode: oci.ProcessSandbox.String(),
		NetworkLabel: stepnet.FormatNetworks(o.Networks),
	}
	opt.Applier, opt.Differ = apply.NewFileSystemApplier(opt.ContentStore), walking.NewWalkingDiff(opt.ContentStore)
	opt.Platforms = []ocispecs.Platform{platforms.Normalize(platforms.DefaultSpec())}
	opt.RegistryHosts = resolver.NewRegistryConfig(nil)
	opt.GCPolicy = gcPolicy(o.State)
	return base.NewWorker(ctx, opt)
}

// addExecutor lets runc execute steps, in our networks alone.
func addExecutor(opt *base.WorkerOpt, o ServeOptions) (err error) {
	if opt.ResourceMonitor, err = resources.NewMonitor(); err != nil {
		return fmt.Errorf("watching resources: %w", err)
	}
	opt.NetworkProviders = networks(stepnet.Reach{Named: o.Networks})
	opt.Executor, err = runcexecutor.New(runcexecutor.Opt{
		Root: filepath.Join(opt.Root, "executor"), Rootless: o.Rootless, ProcessMode: oci.ProcessSandbox,
		DNS: &oci.DNSConfig{Nameservers: nameservers()}, DefaultCgroupParent: cgroupParent(o.State), ResourceMonitor: opt.ResourceMonitor,
	}, opt.NetworkProviders)
	return err
}

// gcPolicy is BuildKit's own default for the disk that holds the state.
func gcPolicy(root string) []client.PruneInfo {
	stat, _ := disk.GetDiskStat(root)
	var policy []client.PruneInfo
	for _, rule := range config.DefaultGCPolicy(config.GCConfig{}, stat) {
		policy = append(policy, client.PruneInfo{
			Filter: rule.Filters, All: rule.All, KeepDuration: rule.KeepDuration.Duration,
			ReservedSpace: rule.ReservedSpace.AsBytes(stat),
			MaxUsedSpace:  rule.MaxUsedSpace.AsBytes(stat),
			MinFreeSpace:  rule.MinFreeSpace.AsBytes(stat),
		})
	}
	return policy
}
