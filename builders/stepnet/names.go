package stepnet

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

const (
	namesPort = 53 // RFC 1035, section 4.2
	// maxQuestions bounds the questions of a step that wait for an answer.
	maxQuestions = 64
	// answerTimeout is how long resolvers themselves wait (resolv.conf(5)), and
	// what all nameservers together have.
	answerTimeout = 5 * time.Second
	// maxMessage is the largest datagram in bytes.
	maxMessage = 64 << 10
	// maxResolvConf bounds the machine's list of nameservers, in bytes.
	maxResolvConf = 64 << 10
)

// answerNames passes the step's questions on to the machine's nameservers. An
// answer may name any address; what counts is who connects to it.
func (n *Network) answerNames(ctx context.Context) error {
	local := at(namesPort)
	questions, err := gonet.DialUDP(n.stack, &local, nil, ipv4.ProtocolNumber)
	if err != nil {
		return fmt.Errorf("listening for questions: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = questions.Close() })
	done, ok := n.begin()
	if !ok {
		return net.ErrClosed
	}
	go func() {
		defer done()
		n.readQuestions(ctx, questions)
	}()
	return nil
}

func (n *Network) readQuestions(ctx context.Context, questions *gonet.UDPConn) {
	waiting := make(chan struct{}, maxQuestions)
	for {
		message := make([]byte, maxMessage)
		size, from, err := questions.ReadFrom(message)
		if err != nil {
			return
		}
		done, ok := n.begin()
		if !ok {
			return
		}
		select {
		case waiting <- struct{}{}:
		default: // it asks again
			done()
			continue
		}
		go func() {
			defer done()
			defer func() { <-waiting }()
			if answer, err := n.ask(ctx, message[:size]); err == nil {
				_, _ = questions.WriteTo(answer, from)
			}
		}()
	}
}

// ask sends a question to the machine's nameservers, one after the other.
func (n *Network) ask(ctx context.Context, question []byte) (answer []byte, err error) {
	servers, err := n.options.Nameservers()
	if err != nil {
		return nil, err
	}
	patience := answerTimeout / time.Duration(len(servers))
	for _, server := range servers {
		if answer, err = askOne(ctx, server, question, patience); err == nil {
			return answer, nil
		}
	}
	return nil, err
}

func askOne(ctx context.Context, server netip.AddrPort, question []byte, patience time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "udp", server.String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if _, err := c.Write(question); err != nil {
		return nil, err
	}
	answer := make([]byte, maxMessage)
	size, err := c.Read(answer)
	return answer[:size], err
}

// dialNameserver connects to the first nameserver that answers, for questions
// that are too large for a datagram.
func (n *Network) dialNameserver(ctx context.Context) (c halfCloser, err error) {
	servers, err := n.options.Nameservers()
	if err != nil {
		return nil, err
	}
	for _, server := range servers {
		if c, err = dialTCP(ctx, server.String()); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// machineNameservers reads the nameservers of this machine (resolv.conf(5)).
func machineNameservers() ([]netip.AddrPort, error) {
	f, err := os.Open("/etc/resolv.conf")
	if err != nil {
		return nil, fault.New(fault.Missing, "reading nameservers: %w", err)
	}
	defer f.Close()
	var servers []netip.AddrPort
	lines := bufio.NewScanner(limit.Reader(f, maxResolvConf, f.Name()))
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(words[1]); err == nil {
			servers = append(servers, netip.AddrPortFrom(a, namesPort))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading nameservers: %w", err)
	}
	if len(servers) == 0 { // the one of this machine, by default
		servers = append(servers, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), namesPort))
	}
	return servers, nil
}
