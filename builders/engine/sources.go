package engine

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/docker/cli/cli/config"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/solver/pb"
	srctypes "github.com/moby/buildkit/source/types"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/moby/buildkit/sourcepolicy/policysession"

	"github.com/bakelite/bakelite/internal/fault"
)

// JudgeImage decides whether an image may be used, before a byte of it is,
// and returns the reference by digest to use in its place. A refusal is an
// error of kind fault.Policy.
type JudgeImage func(ctx context.Context, ref string) (string, error)

// sources judges everything that a solve fetches: what the graph names, and
// each FROM, COPY --from and ADD of a user's Dockerfile.
type sources struct {
	judge   JudgeImage
	mu      sync.Mutex
	refused error
	// images are the digests of the images that were let in.
	images []string
}

// askable refuses an engine that would not ask: it skips in silence a policy
// that it does not know, and fetches whatever the graph names.
func (s *sources) askable(e *Engine, gw gateway.Client) error {
	if s.judge == nil {
		return nil
	}
	caps := gw.BuildOpts().LLBCaps
	if err := caps.Supports(pb.CapSourcePolicySession); err != nil {
		return fault.Hint(fault.New(fault.Missing, "the engine %s is a BuildKit too old to ask which images may be used", e.Origin),
			"update BuildKit, or leave engine.address empty for an engine of Bakelite's own")
	}
	return nil
}

// counted refuses a graph with an image that nobody was asked about, or with
// another source that is refused: that an engine asks is its own word.
func (s *sources) counted(graph []*pb.SourceOp) error {
	if s.judge == nil {
		return nil
	}
	for _, source := range graph {
		if err := s.count(source); err != nil {
			return err
		}
	}
	return nil
}

func (s *sources) count(source *pb.SourceOp) error {
	ref, image := strings.CutPrefix(source.GetIdentifier(), srctypes.DockerImageScheme+"://")
	if !image {
		return unpinned(source)
	}
	_, digest, _ := strings.Cut(ref, "@")
	s.mu.Lock()
	defer s.mu.Unlock()
	if digest == "" || !slices.Contains(s.images, digest) {
		return fault.New(fault.Policy, "the engine used the image %s and did not ask whether it may be", ref)
	}
	return nil
}

// provider is the sources' side of the engine's source policy.
func (s *sources) provider() session.Attachable {
	return policysession.NewPolicyProvider(func(ctx context.Context, request *policysession.CheckPolicyRequest) (*policysession.DecisionResponse, *gatewaypb.ResolveSourceMetaRequest, error) {
		return s.decide(ctx, request.GetSource().GetSource()), nil, nil
	})
}

func (s *sources) decide(ctx context.Context, source *pb.SourceOp) *policysession.DecisionResponse {
	update, err := s.pin(ctx, source)
	switch {
	case err != nil:
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.refused == nil {
			s.refused = err
		}
		return &policysession.DecisionResponse{
			Action: spb.PolicyAction_DENY, DenyMessages: []*policysession.DenyMessage{{Message: err.Error()}},
		}
	case update != nil:
		return &policysession.DecisionResponse{Action: spb.PolicyAction_CONVERT, Update: update}
	}
	return &policysession.DecisionResponse{Action: spb.PolicyAction_ALLOW}
}

// pin returns the source to use instead, nil for the same one.
func (s *sources) pin(ctx context.Context, source *pb.SourceOp) (*pb.SourceOp, error) {
	ref, image := strings.CutPrefix(source.GetIdentifier(), srctypes.DockerImageScheme+"://")
	if !image {
		return nil, unpinned(source)
	}
	by, err := s.judge(ctx, ref)
	if err != nil {
		return nil, err
	}
	_, digest, _ := strings.Cut(by, "@")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.images = append(s.images, digest)
	if by == ref {
		return nil, nil
	}
	return &pb.SourceOp{Identifier: srctypes.DockerImageScheme + "://" + by, Attrs: source.Attrs}, nil
}

// unpinned refuses a source other than an image that may be another one
// tomorrow.
func unpinned(source *pb.SourceOp) error {
	scheme, ref, _ := strings.Cut(source.GetIdentifier(), "://")
	switch scheme {
	case srctypes.LocalScheme, srctypes.OCIScheme: // folders and layouts of this machine that the session names
		return nil
	case srctypes.HTTPScheme, srctypes.HTTPSScheme:
		return requireDigest(source.Attrs[pb.AttrHTTPChecksum] != "", source, "ADD --checksum=sha256:…")
	case srctypes.GitScheme:
		return requireDigest(source.Attrs[pb.AttrGitChecksum] != "" || commit.MatchString(ref), source, "ADD --checksum=COMMIT, or #COMMIT after the repository")
	}
	return fault.New(fault.Policy, "%s: sources of this kind are refused", source.GetIdentifier())
}

// commit matches a Git source that names a whole commit.
var commit = regexp.MustCompile(`#[0-9a-f]{40}([0-9a-f]{24})?(:|$)`)

func requireDigest(ok bool, source *pb.SourceOp, instead string) error {
	if ok {
		return nil
	}
	return fault.Hint(fault.New(fault.Policy, "%s is fetched without a digest, so it may be another one tomorrow", source.GetIdentifier()),
		"pin it: %s", instead)
}

// refusal returns why the first source was refused, or nil.
func (s *sources) refusal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// JudgeDockerfile has every image judged that a Dockerfile of a local folder
// names, but for the names of its base, and runs nothing of it.
func (s Session) JudgeDockerfile(ctx context.Context, folder, name string, bases []string) error {
	_, err := s.Solve(ctx, Job{Graph: func(ctx context.Context, b Dockerfiles) (llb.State, error) {
		return b.Dockerfile(ctx, folder, name, llb.Local(folder), bases) // any base does
	}})
	return err
}

// credentials lets the engine pull with Docker's configuration and its
// helpers. They are asked one registry at a time and stay in this process.
func credentials() session.Attachable {
	return authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{
		AuthConfigProvider: authprovider.LoadAuthConfig(config.LoadDefaultConfigFile(nil)),
	})
}
