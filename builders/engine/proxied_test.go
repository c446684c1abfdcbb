package engine

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"slices"
	"testing"

	control "github.com/moby/buildkit/api/services/control"
	gateway "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	apicaps "github.com/moby/buildkit/util/apicaps/pb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// change alters a message on its way: a request of a method, or its answer.
type change func(method string, request bool, message []byte) []byte

// changed serves an engine on a socket of its own, with messages altered as
// those of an older one would be, and returns its address.
func changed(t *testing.T, socket string, by change) string {
	t.Helper()
	behind, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawCodec{})))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.ForceServerCodecV2(rawCodec{}), grpc.UnknownServiceHandler(func(_ any, front grpc.ServerStream) error {
		return passOn(front, behind, by)
	}))
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		_ = behind.Close()
	})
	return "unix://" + path
}

// rawCodec leaves messages as they are.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

var _ encoding.CodecV2 = rawCodec{}

func passOn(front grpc.ServerStream, behind *grpc.ClientConn, by change) error {
	method, _ := grpc.MethodFromServerStream(front)
	in, _ := metadata.FromIncomingContext(front.Context())
	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(front.Context(), in))
	defer cancel()
	back, err := behind.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	go func() {
		for {
			var message []byte
			if err := front.RecvMsg(&message); err != nil {
				if errors.Is(err, io.EOF) {
					_ = back.CloseSend()
				} else {
					cancel()
				}
				return
			}
			message = by(method, true, message)
			if err := back.SendMsg(&message); err != nil {
				return
			}
		}
	}()
	if header, err := back.Header(); err == nil {
		_ = front.SendHeader(header)
	}
	for {
		var message []byte
		err := back.RecvMsg(&message)
		if errors.Is(err, io.EOF) {
			front.SetTrailer(back.Trailer())
			return nil
		}
		if err != nil {
			front.SetTrailer(back.Trailer())
			return status.Convert(err).Err()
		}
		message = by(method, false, message)
		if err := front.SendMsg(&message); err != nil {
			return err
		}
	}
}

const (
	pingMethod    = "/moby.buildkit.v1.frontend.LLBBridge/Ping"
	solveMethod   = "/moby.buildkit.v1.Control/Solve"
	workersMethod = "/moby.buildkit.v1.Control/ListWorkers"
)

// withoutLabels takes the labels from the workers.
func withoutLabels(method string, request bool, message []byte) []byte {
	var answer control.ListWorkersResponse
	if method != workersMethod || request || answer.UnmarshalVT(message) != nil {
		return message
	}
	for _, w := range answer.Record {
		w.Labels = nil
	}
	return must(answer.MarshalVT())
}

// withoutAsking takes a session's source policy from a solve: what an engine
// does that does not know it.
func withoutAsking(method string, request bool, message []byte) []byte {
	var solve control.SolveRequest
	if method != solveMethod || !request || solve.UnmarshalVT(message) != nil {
		return message
	}
	solve.SourcePolicySession = ""
	return must(solve.MarshalVT())
}

// anOlderOne is an engine that neither knows a session's source policy nor
// says that it does.
func anOlderOne(method string, request bool, message []byte) []byte {
	var pong gateway.PongResponse
	if method != pingMethod || request || pong.UnmarshalVT(message) != nil {
		return withoutAsking(method, request, message)
	}
	pong.LLBCaps = slices.DeleteFunc(pong.LLBCaps, func(c *apicaps.APICap) bool { return c.ID == string(pb.CapSourcePolicySession) })
	return must(pong.MarshalVT())
}

func must(message []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return message
}
