package daemon

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"slices"

	"github.com/containerd/containerd/v2/pkg/oci"
	resourcestypes "github.com/moby/buildkit/executor/resources/types"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/network"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/bakelite/bakelite/builders/stepnet"
)

// NetworkLabel is the label by which a worker of ours says that its steps have
// networks of their own, and what these reach besides public addresses.
const NetworkLabel = "dev.bakelite.step-networks"

// networks are the ways in which a step of this daemon can be connected: not
// at all, or by a network of its own. None has this machine's.
func networks(reach stepnet.Reach) map[pb.NetMode]network.Provider {
	return map[pb.NetMode]network.Provider{
		pb.NetMode_NONE:  fewerRights{network.NewNoneProvider()},
		pb.NetMode_UNSET: fewerRights{stepNetworks{stepnet.Options{Reach: reach, Proxy: proxyFunc(os.Getenv)}}},
	}
}

// proxyFunc says which proxy this process takes for a request, nil where its
// environment names none.
func proxyFunc(getenv func(string) string) func(*http.Request) (*url.URL, error) {
	for _, name := range proxyNames {
		if name != "NO_PROXY" && name != "no_proxy" && getenv(name) != "" {
			return http.ProxyFromEnvironment
		}
	}
	return nil
}

// stepNetworks gives each step a network of its own.
type stepNetworks struct{ options stepnet.Options }

func (p stepNetworks) New(context.Context, string, network.NamespaceOptions) (network.Namespace, error) {
	n, err := stepnet.Open(p.options)
	if err != nil {
		return nil, err
	}
	return stepNetwork{n}, nil
}

func (stepNetworks) Close() error { return nil }

type stepNetwork struct{ *stepnet.Network }

// Set lets a container join the network.
func (n stepNetwork) Set(s *specs.Spec) error {
	s.Process.Env = append(n.Env(), s.Process.Env...) // the step's own count
	return oci.WithLinuxNamespace(specs.LinuxNamespace{Type: specs.NetworkNamespace, Path: n.Path()})(nil, nil, nil, s)
}

// Sample is not kept: nobody reads it.
func (stepNetwork) Sample() (*resourcestypes.NetworkSample, error) { return nil, nil }

// rights are the capabilities that steps have as root. Dpkg and packages'
// scripts give files to users, read and write what is not root's, become other
// users, enter trees and give programs capabilities; programs that are tried
// out listen on their own ports. No step makes devices, sends frames of its
// own making, or writes the kernel's audit log.
var rights = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_NET_BIND_SERVICE",
	"CAP_SETFCAP", "CAP_SETGID", "CAP_SETUID", "CAP_SYS_CHROOT",
}

// fewerRights is a network whose containers keep no capability but rights: it
// is where BuildKit lets a worker's owner change what a container may do.
type fewerRights struct{ network.Provider }

func (p fewerRights) New(ctx context.Context, hostname string, o network.NamespaceOptions) (network.Namespace, error) {
	n, err := p.Provider.New(ctx, hostname, o)
	if err != nil {
		return nil, err
	}
	return fewer{n}, nil
}

type fewer struct{ network.Namespace }

func (n fewer) Set(s *specs.Spec) error {
	if c := s.Process.Capabilities; c != nil {
		for _, set := range []*[]string{&c.Bounding, &c.Effective, &c.Permitted, &c.Inheritable, &c.Ambient} {
			*set = slices.DeleteFunc(*set, func(right string) bool { return !slices.Contains(rights, right) })
		}
	}
	return n.Namespace.Set(s)
}

// nameservers is what steps with a network are told.
func nameservers() []string { return []string{stepnet.Nameserver().String()} }
