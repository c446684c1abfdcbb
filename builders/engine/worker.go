package engine

import (
	"context"

	ctdsnapshot "github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/plugins/snapshots/native"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay/overlayutils"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/cmd/buildkitd/config"
	"github.com/moby/buildkit/executor/oci"
	"github.com/moby/buildkit/util/disk"
	"github.com/moby/buildkit/util/network/netproviders"
	"github.com/moby/buildkit/util/resolver"
	"github.com/moby/buildkit/worker/base"
	"github.com/moby/buildkit/worker/runc"

	"github.com/bakelite/bakelite/internal/fault"
)

func newWorker(ctx context.Context, o ServeOptions) (*base.Worker, error) {
	opt, err := runc.NewWorkerOpt(o.State, snapshotter(o.State), o.Rootless, oci.ProcessSandbox, nil, nil,
		netproviders.Opt{Mode: "host"}, nil, "", "", false, nil, "", cgroupParent(o.State), nil)
	if err != nil {
		return nil, fault.Hint(fault.As(fault.Missing, err), "run: bakelite doctor")
	}
	opt.RegistryHosts = resolver.NewRegistryConfig(nil)
	opt.GCPolicy = gcPolicy(o.State)
	return base.NewWorker(ctx, opt)
}

func snapshotter(root string) runc.SnapshotterFactory {
	if overlayutils.Supported(root) != nil {
		return runc.SnapshotterFactory{Name: "native", New: native.NewSnapshotter}
	}
	return runc.SnapshotterFactory{Name: "overlayfs", New: func(root string) (ctdsnapshot.Snapshotter, error) {
		return overlay.NewSnapshotter(root, overlay.AsynchronousRemove)
	}}
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
