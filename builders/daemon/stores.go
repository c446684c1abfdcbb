package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	ctdmetadata "github.com/containerd/containerd/v2/core/metadata"
	ctdsnapshot "github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/containerd/v2/plugins/snapshots/native"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay/overlayutils"
	"github.com/moby/buildkit/cache/metadata"
	containerdsnapshot "github.com/moby/buildkit/snapshot/containerd"
	"github.com/moby/buildkit/util/db/boltutil"
	"github.com/moby/buildkit/util/leaseutil"
	"github.com/moby/buildkit/worker/base"
	bolt "go.etcd.io/bbolt"
)

// space is the namespace of everything in the stores; each daemon has stores
// of its own.
const space = "buildkit"

// snapshotter returns the best way to keep trees in a folder, and its name.
func snapshotter(dir string) (name string, open func(root string) (ctdsnapshot.Snapshotter, error)) {
	if overlayutils.Supported(dir) != nil {
		return "native", native.NewSnapshotter
	}
	return "overlayfs", func(root string) (ctdsnapshot.Snapshotter, error) {
		return overlay.NewSnapshotter(root, overlay.AsynchronousRemove)
	}
}

// openStores opens what a worker keeps below root: trees, blobs, and what is
// known of both.
func openStores(root, kind string, open func(string) (ctdsnapshot.Snapshotter, error)) (opt base.WorkerOpt, err error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return opt, fmt.Errorf("making worker's folder: %w", err)
	}
	snapshots, err := open(filepath.Join(root, "snapshots"))
	if err != nil {
		return opt, fmt.Errorf("opening snapshots: %w", err)
	}
	blobs, err := local.NewStore(filepath.Join(root, "content"))
	if err != nil {
		return opt, fmt.Errorf("opening blobs: %w", err)
	}
	db, err := boltutil.Open(filepath.Join(root, "containerdmeta.db"), 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType, NoFreelistSync: true})
	if err != nil {
		return opt, fmt.Errorf("opening worker's database: %w", err)
	}
	known := ctdmetadata.NewDB(db, blobs, map[string]ctdsnapshot.Snapshotter{kind: snapshots})
	if err := known.Init(context.Background()); err != nil {
		return opt, fmt.Errorf("reading worker's database: %w", err)
	}
	if opt.MetadataStore, err = metadata.NewStore(filepath.Join(root, "metadata_v2.db")); err != nil {
		return opt, fmt.Errorf("opening worker's notes: %w", err)
	}
	opt.Root, opt.MountPoolRoot, opt.ContentMetadata = root, filepath.Join(root, "cachemounts"), db
	opt.ContentStore = containerdsnapshot.NewContentStore(known.ContentStore(), space)
	opt.Snapshotter = containerdsnapshot.NewSnapshotter(kind, known.Snapshotter(kind), space, nil)
	opt.LeaseManager = leaseutil.WithNamespace(ctdmetadata.NewLeaseManager(known), space)
	opt.GarbageCollect = known.GarbageCollect
	return opt, nil
}
