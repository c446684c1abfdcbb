package stepnet

import (
	"context"
	"encoding/binary"
	"io"
	"slices"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	// headSize is that of an Ethernet frame's head in bytes: two addresses of
	// six bytes and the kind of the packet (IEEE 802.3).
	headSize = 14
	kindAt   = 12
	// maxQueued bounds the packets that wait for the wire; more are lost, and
	// TCP sends them again.
	maxQueued = 512
)

// receive hands what comes over the wire to the stack until the wire closes.
func receive(wire io.Reader, link *channel.Endpoint) {
	frame := make([]byte, headSize+packetSize)
	for {
		size, err := wire.Read(frame)
		if err != nil {
			return
		}
		if size < headSize {
			continue
		}
		kind := binary.BigEndian.Uint16(frame[kindAt:])
		if kind != unix.ETH_P_IP && kind != unix.ETH_P_IPV6 {
			continue
		}
		packet := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(frame[headSize:size])})
		link.InjectInbound(tcpip.NetworkProtocolNumber(kind), packet)
		packet.DecRef()
	}
}

// send puts what the stack sends on the wire until ctx ends.
func send(ctx context.Context, wire io.Writer, link *channel.Endpoint) {
	head := slices.Concat([]byte(stepMAC), []byte(ourMAC), []byte{0, 0})
	var frame []byte
	for {
		packet := link.ReadContext(ctx)
		if packet == nil {
			return
		}
		binary.BigEndian.PutUint16(head[kindAt:], uint16(packet.NetworkProtocolNumber))
		frame = append(frame[:0], head...)
		for _, part := range packet.AsSlices() {
			frame = append(frame, part...)
		}
		packet.DecRef()
		_, _ = wire.Write(frame) // a frame that is lost is sent again
	}
}
