package engine

import (
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
)

// contents is what of a build graph is judged before it runs.
type contents struct {
	sources []*pb.SourceOp
	// steps are those that run a program.
	steps []step
}

// step is a step that runs a program.
type step struct {
	name string
	*pb.ExecOp
}

// networked says whether the step asks for a network.
func (s step) networked() bool { return s.Network != pb.NetMode_NONE }

// caches returns the identifiers of the cache mounts that the step has.
func (s step) caches() (ids []string) {
	for _, m := range s.Mounts {
		if m.MountType == pb.MountType_CACHE {
			ids = append(ids, m.CacheOpt.GetID())
		}
	}
	return ids
}

// scoped says whether the step's result is kept for a scope alone.
func (s step) scoped(scope string) bool {
	return slices.ContainsFunc(s.GetMeta().GetExtraHosts(), func(h *pb.HostIP) bool { return h.Host == scope })
}

// nameOf returns the name by which people see an operation.
func nameOf(d *llb.Definition, op []byte) string {
	return d.Metadata[digest.FromBytes(op)].Description[customName]
}

// customName is where llb.WithCustomName puts a name (client/llb/state.go).
const customName = "llb.customname"

// readDefinition returns the contents of a graph. It refuses operations that
// would bring others in while they run.
func readDefinition(d *llb.Definition) (c contents, err error) {
	for _, text := range d.Def {
		var op pb.Op
		if err := op.UnmarshalVT(text); err != nil {
			return c, fault.New(fault.Internal, "reading build graph: %w", err)
		}
		switch kind := op.Op.(type) {
		case *pb.Op_Source:
			c.sources = append(c.sources, kind.Source)
		case *pb.Op_Exec:
			c.steps = append(c.steps, step{nameOf(d, text), kind.Exec})
		case *pb.Op_File, *pb.Op_Merge, *pb.Op_Diff, nil: // nil is the last, which names the result
		default:
			return c, fault.New(fault.Policy, "a build graph holds an operation that cannot be judged: %T", kind)
		}
	}
	return c, nil
}
