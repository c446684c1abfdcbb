package stepnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// reach is that of a machine whose own addresses are none of the tests'.
func reach(named ...string) Reach {
	return Reach{Named: prefixes(named...), Machine: func() ([]netip.Prefix, error) { return nil, nil }}
}

func open(t *testing.T, o Options) *Network {
	t.Helper()
	n, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// inStep runs f as a step would: on a thread in the step's namespace.
func inStep(n *Network, f func() error) error {
	return onOwnThread(func() error {
		ns, err := os.Open(n.Path())
		if err != nil {
			return err
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		return f()
	})
}

// dialAs connects from inside the step.
func dialAs(t *testing.T, n *Network, network, address string) (c net.Conn, err error) {
	t.Helper()
	err = inStep(n, func() (err error) {
		c, err = net.DialTimeout(network, address, 5*time.Second)
		return err
	})
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

// echo serves what it is sent, on an address of the tests' namespace.
func echo(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

func roundTrip(c net.Conn, size int) error {
	sent := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	go func() {
		_, _ = c.Write(sent)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err == nil && !bytes.Equal(got, sent) {
		err = fmt.Errorf("other bytes came back: %d for %d, %.40q", len(got), len(sent), got)
	}
	return err
}

func TestStepReachesPublicAddresses(t *testing.T) {
	n := open(t, Options{Reach: reach()})
	for _, host := range []string{public, public6} {
		c, err := dialAs(t, n, "tcp", echo(t, host))
		if err != nil {
			t.Fatal(err)
		}
		if err := roundTrip(c, 8<<20); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// TestStepReachesTheMachine: a service that listens on the machine, in its
// networks or where clouds hand out credentials is out of a step's reach.
func TestStepReachesTheMachine(t *testing.T) {
	n := open(t, Options{Reach: reach()})
	for _, host := range []string{"127.0.0.1", private, metadata} {
		at := echo(t, host)
		if _, err := dialAs(t, n, "tcp", at); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: %v", at, err)
		}
	}
	port := strconv.Itoa(int(netip.MustParseAddrPort(echo(t, "127.0.0.1")).Port()))
	for _, host := range []string{Nameserver().String(), "[::ffff:127.0.0.1]", "[" + gatewayAddrs[1].String() + "]", "0.0.0.0"} {
		if _, err := dialAs(t, n, "tcp", host+":"+port); err == nil {
			t.Errorf("%s leads to the machine's loopback", host)
		}
	}
	own := open(t, Options{}) // the addresses of the namespace are the machine's
	if _, err := dialAs(t, own, "tcp", echo(t, public)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the machine's own address: %v", err)
	}
	named := open(t, Options{Reach: reach(private + "/32")})
	if c, err := dialAs(t, named, "tcp", echo(t, private)); err != nil || roundTrip(c, 1<<10) != nil {
		t.Errorf("an address that the operator names: %v", err)
	}
}

// TestStepReachesAnAbstractSocket: sockets without a file belong to the
// network that they were made in.
func TestStepReachesAnAbstractSocket(t *testing.T) {
	const name = "@stepnet-test"
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n := open(t, Options{})
	if _, err := dialAs(t, n, "unix", name); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connecting to a socket of the machine: %v", err)
	}
}

func TestTwoStepsDoNotMeet(t *testing.T) {
	one, other := open(t, Options{Reach: reach()}), open(t, Options{Reach: reach()})
	var l net.Listener
	err := inStep(one, func() (err error) {
		l, err = net.Listen("tcp", stepAddrs[0].Addr().String()+":0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := dialAs(t, other, "tcp", l.Addr().String()); err == nil {
		t.Error("a step connected to another step")
	}
}

// nameserver answers every question with one address, by datagram and stream.
func nameserver(t *testing.T) netip.AddrPort {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", udp.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = udp.Close(), tcp.Close() })
	go func() {
		buffer := make([]byte, 1<<10)
		for {
			size, from, err := udp.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = udp.WriteTo(answerTo(buffer[:size]), from)
		}
	}()
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			question := make([]byte, 1<<10)
			size, _ := c.Read(question)
			_, _ = c.Write(answerTo(question[2:size])) // without its length: enough for a test
			_ = c.Close()
		}
	}()
	return netip.MustParseAddrPort(udp.LocalAddr().String())
}

func answerTo(question []byte) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil
	}
	m.Response = true
	m.Answers = []dnsmessage.Resource{{
		Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
		Body:   &dnsmessage.AResource{A: netip.MustParseAddr(public).As4()},
	}}
	answer, _ := m.Pack()
	return answer
}

func question(t *testing.T) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7}, Questions: []dnsmessage.Question{{
		Name: dnsmessage.MustNewName("example.org."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET,
	}}}
	text, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// silent returns the address of a nameserver that never answers.
func silent(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return netip.MustParseAddrPort(c.LocalAddr().String())
}

// TestNames asks where the first of two nameservers is silent.
func TestNames(t *testing.T) {
	server, dead := nameserver(t), silent(t)
	n := open(t, Options{Nameservers: func() ([]netip.AddrPort, error) { return []netip.AddrPort{dead, server}, nil }})
	at := netip.AddrPortFrom(Nameserver(), namesPort).String()
	for network, prefix := range map[string][]byte{"udp": nil, "tcp": {0, 29}} {
		c, err := dialAs(t, n, network, at)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := c.Write(append(prefix, question(t)...)); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 1<<10)
		size, err := c.Read(answer)
		var m dnsmessage.Message
		if err == nil {
			err = m.Unpack(answer[:size])
		}
		if err != nil || len(m.Answers) != 1 {
			t.Errorf("%s: %v, %v", network, m, err)
		}
	}
}

// TestCloseEndsWhatRuns: nothing of a step's network outlives it.
func TestCloseEndsWhatRuns(t *testing.T) {
	at := echo(t, public)
	before := descriptors(t)
	for range 3 {
		n, err := Open(Options{Reach: reach()})
		if err != nil {
			t.Fatal(err)
		}
		var c net.Conn
		err = inStep(n, func() (err error) {
			c, err = net.DialTimeout("tcp", at, 5*time.Second)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(n.Close(), n.Close()); err != nil {
			t.Error(err)
		}
		_ = c.Close()
	}
	deadline := time.Now().Add(5 * time.Second)
	for descriptors(t) > before && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// descriptors counts sockets and namespaces; Go keeps the pipes that it copies
// between sockets with.
func descriptors(t *testing.T) (count int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if to, _ := os.Readlink("/proc/self/fd/" + e.Name()); strings.HasPrefix(to, "socket:") || strings.Contains(to, "net:[") || strings.HasSuffix(to, "/ns/net") {
			count++
		}
	}
	return count
}

// TestWithoutRoot runs the tests above as an ordinary user.
func TestWithoutRoot(t *testing.T) {
	const withoutRoot = "STEPNET_TEST_WITHOUT_ROOT"
	if os.Getenv(withoutRoot) != "" {
		t.Skip("this is the run without root")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := again([]string{"-test.run", "^(TestStep.*|TestNames)$", "-test.count=1"}, 65534, []string{withoutRoot + "=1"})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// BenchmarkStepFetches gives the rate at which a step gets what another
// process of this machine sends.
func BenchmarkStepFetches(b *testing.B) {
	const size = 64 << 20
	l, err := net.Listen("tcp", public+":0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		zeros := make([]byte, 1<<20)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			for range size / len(zeros) {
				_, _ = c.Write(zeros)
			}
			_ = c.Close()
		}
	}()
	n, err := Open(Options{Reach: reach()})
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	b.SetBytes(size)
	for b.Loop() {
		err := inStep(n, func() error {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				return err
			}
			defer c.Close()
			got, err := io.Copy(io.Discard, c)
			if err == nil && got != size {
				err = fmt.Errorf("%d bytes", got)
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen gives the time that a step's network takes to open and close.
func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		n, err := Open(Options{})
		if err == nil {
			err = n.Close()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
