package machine

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// monitorTime bounds one question to QEMU.
	monitorTime = 30 * time.Second
	// monitorLine bounds one answer.
	monitorLine = 1 << 20
)

// monitor asks QEMU over its machine protocol (docs/interop/qmp-spec.rst).
type monitor struct {
	mu    sync.Mutex
	conn  net.Conn
	lines *bufio.Scanner
}

type monitorAnswer struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Description string `json:"desc"`
	} `json:"error"`
}

func newMonitor(conn net.Conn) (*monitor, error) {
	m := &monitor{conn: conn, lines: bufio.NewScanner(conn)}
	m.lines.Buffer(nil, monitorLine)
	if err := m.ask("qmp_capabilities", nil, nil); err != nil {
		return nil, err
	}
	return m, nil
}

// ask skips the greeting and events, which are neither return nor error.
func (m *monitor) ask(command string, arguments, answer any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	question := map[string]any{"execute": command}
	if arguments != nil {
		question["arguments"] = arguments
	}
	_ = m.conn.SetDeadline(time.Now().Add(monitorTime))
	if err := json.NewEncoder(m.conn).Encode(question); err != nil {
		return fmt.Errorf("asking QEMU to %s: %w", command, err)
	}
	for m.lines.Scan() {
		var a monitorAnswer
		if err := json.Unmarshal(m.lines.Bytes(), &a); err != nil {
			return fmt.Errorf("reading QEMU's answer to %s: %w", command, err)
		}
		if a.Error != nil {
			return fmt.Errorf("asking QEMU to %s: %s", command, a.Error.Description)
		}
		if a.Return != nil {
			if answer == nil {
				return nil
			}
			return json.Unmarshal(a.Return, answer)
		}
	}
	return fmt.Errorf("asking QEMU to %s: %w", command, errors.Join(m.lines.Err(), net.ErrClosed))
}

// connection is one line of QEMU's table of the user network.
type connection struct {
	protocol, state string
	sourcePort      int
	port            int // in the machine, for what comes in
}

func (m *monitor) connections() ([]connection, error) {
	var text string
	err := m.ask("human-monitor-command", map[string]string{"command-line": "info usernet"}, &text)
	return parseConnections(text), err
}

// parseConnections reads lines such as
// "TCP[HOST_FORWARD]  8  127.0.0.1 35113  10.0.2.15 80  0 0".
func parseConnections(text string) []connection {
	var all []connection
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 6 {
			continue
		}
		protocol, state, ok := strings.Cut(strings.TrimSuffix(fields[0], "]"), "[")
		source, err := strconv.Atoi(fields[3])
		port, err2 := strconv.Atoi(fields[5])
		if ok && err == nil && err2 == nil {
			all = append(all, connection{strings.ToLower(protocol), state, source, port})
		}
	}
	return all
}

// pair returns the two ends of a socket: a connection for this program and a
// file for QEMU.
func pair(name string) (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a socket pair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), name), os.NewFile(uintptr(fds[1]), name)
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("making a socket pair: %w", err)
	}
	return conn, theirs, nil
}
