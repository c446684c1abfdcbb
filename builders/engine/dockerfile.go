package engine

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"

	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
)

// Dockerfiles builds a user's Dockerfile within a solve.
type Dockerfiles interface {
	// Dockerfile builds the named file of the local folder called context
	// with base as the image that FROM means by one of some names.
	Dockerfile(ctx context.Context, context, name string, base llb.State, names []string) (llb.State, error)
}

type gatewayFrontend struct {
	gw      gateway.Client
	session Session
}

func (f gatewayFrontend) Dockerfile(ctx context.Context, dir, name string, base llb.State, names []string) (llb.State, error) {
	if err := f.session.judgeRuns(dir, name); err != nil {
		return llb.State{}, err
	}
	definition, err := base.Marshal(ctx)
	if err != nil {
		return llb.State{}, fmt.Errorf("writing base graph: %w", err)
	}
	options := map[string]string{
		"filename": name, "dockerfilekey": dir, "force-network-mode": "none",
		"build-arg:BUILDKIT_CACHE_MOUNT_NS": f.session.Caches.prefix(),
		// Set, it keeps a "# syntax=" line from fetching another frontend,
		// which would be a program that nobody pinned.
		"cmdline": "dockerfile.v0",
	}
	for _, name := range names {
		options["context:"+name] = "input:base"
	}
	request := gateway.SolveRequest{
		Frontend: "dockerfile.v0", FrontendOpt: options,
		FrontendInputs: map[string]*pb.Definition{"base": definition.ToPB()},
	}
	state, err := f.solve(ctx, request)
	if err != nil {
		return llb.State{}, err
	}
	steps, err := stepsOf(ctx, state)
	if err != nil {
		return llb.State{}, err
	}
	if f.session.Caches != nil && slices.ContainsFunc(steps, func(s step) bool { return len(s.caches()) > 0 }) {
		// BuildKit leaves most caches' names out of what it knows a step's
		// result by, and a host's name in: so no other scope is given it.
		options["add-hosts"] = f.session.Caches.prefix() + "=127.0.0.1"
		if state, err = f.solve(ctx, request); err != nil {
			return llb.State{}, err
		}
	}
	return state, withoutNetwork(ctx, name, state)
}

// solve reads a Dockerfile into a graph; nothing runs.
func (f gatewayFrontend) solve(ctx context.Context, r gateway.SolveRequest) (llb.State, error) {
	result, err := f.gw.Solve(ctx, r)
	if err != nil {
		return llb.State{}, err
	}
	ref, err := result.SingleRef()
	if err != nil {
		return llb.State{}, fmt.Errorf("reading Dockerfile's result: %w", err)
	}
	state, err := ref.ToState()
	if err != nil {
		return llb.State{}, fmt.Errorf("reading Dockerfile's result: %w", err)
	}
	return state, nil
}

// stepsOf returns the steps of a Dockerfile's graph that run a program.
func stepsOf(ctx context.Context, built llb.State) ([]step, error) {
	definition, err := built.Marshal(ctx)
	if err != nil {
		return nil, fmt.Errorf("writing Dockerfile's graph: %w", err)
	}
	found, err := readDefinition(definition)
	return found.steps, err
}

// withoutNetwork checks that the engine did what it was told: an older one may
// not know the option.
func withoutNetwork(ctx context.Context, name string, built llb.State) error {
	steps, err := stepsOf(ctx, built)
	if err != nil {
		return err
	}
	for _, s := range steps {
		if s.networked() {
			return fault.Hint(fault.New(fault.Policy, "%s: the engine gives the step %q a network", name, s.name),
				"update BuildKit, or leave engine.address empty for an engine of Bakelite's own")
		}
	}
	return nil
}

// judgeRuns refuses what a Dockerfile asks for of the network, line by line.
// What cannot be read here, BuildKit says more of.
func (s Session) judgeRuns(dir, name string) error {
	root, err := os.OpenRoot(s.Locals[dir])
	if err != nil {
		return fault.New(fault.Invalid, "reading the Dockerfile: %w", err)
	}
	defer root.Close()
	file, err := regular.OpenIn(root, name)
	if err != nil {
		return fault.New(fault.Invalid, "reading the Dockerfile: %w", err)
	}
	defer file.Close()
	parsed, err := parser.Parse(limit.Reader(file, dockerfile.MaxBytes, name))
	if err != nil {
		return nil //nolint:nilerr // BuildKit parses it again and says where and why
	}
	var problems []string
	for _, line := range parsed.AST.Children {
		problems = append(problems, networkOf(name, line)...)
	}
	if len(problems) > 0 {
		return fault.Hint(fault.New(fault.Invalid, "%s", strings.Join(problems, "\n")),
			"a Dockerfile has no network: leave the flag out, and fetch in a step of the app file with network: true, or copy from an image")
	}
	return nil
}

// networkOf names the flags of a RUN that ask for a network; --network=none is
// what it gets.
func networkOf(name string, line *parser.Node) (problems []string) {
	run := line
	if strings.EqualFold(run.Value, "onbuild") && run.Next != nil && len(run.Next.Children) > 0 {
		run = run.Next.Children[0]
	}
	if !strings.EqualFold(run.Value, "run") {
		return nil
	}
	for _, flag := range run.Flags {
		if network, ok := strings.CutPrefix(flag, "--network="); ok && network != "none" {
			problems = append(problems, fmt.Sprintf("%s:%d: RUN %s", name, line.StartLine, flag))
		}
	}
	return problems
}
