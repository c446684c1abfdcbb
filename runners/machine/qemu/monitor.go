package qemu

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

// Monitor asks QEMU over its machine protocol (docs/interop/qmp-spec.rst).
type Monitor struct {
	mu      sync.Mutex
	conn    net.Conn
	answers chan monitorMessage
	// Paused is closed when QEMU pauses the machine, which nothing here asks
	// of it: it can go no further.
	Paused chan struct{}
	once   sync.Once
	err    error // why answers is closed
}

// monitorMessage is an answer or an event; the greeting is neither.
type monitorMessage struct {
	Event  string          `json:"event"`
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Description string `json:"desc"`
	} `json:"error"`
}

// NewMonitor opens QEMU's monitor at the other end of a connection.
func NewMonitor(conn net.Conn) (*Monitor, error) {
	m := &Monitor{conn: conn, answers: make(chan monitorMessage, 1), Paused: make(chan struct{})}
	go m.listen()
	if err := m.Ask("qmp_capabilities", nil, nil); err != nil {
		return nil, err
	}
	// Events from before the first question were not sent.
	_, err := m.Status()
	return m, err
}

func (m *Monitor) listen() {
	defer close(m.answers)
	lines := bufio.NewScanner(m.conn)
	lines.Buffer(nil, monitorLine)
	for lines.Scan() {
		var message monitorMessage
		if m.err = json.Unmarshal(lines.Bytes(), &message); m.err != nil {
			return
		}
		switch {
		case message.Event == "STOP":
			m.pause()
		case message.Return != nil || message.Error != nil:
			m.answers <- message
		}
	}
	m.err = lines.Err()
}

// Status returns a RunState of QEMU (qapi/run-state.json).
func (m *Monitor) Status() (string, error) {
	var now struct {
		Status  string `json:"status"`
		Running bool   `json:"running"`
	}
	if err := m.Ask("query-status", nil, &now); err != nil {
		return "", err
	}
	if !now.Running {
		m.pause()
	}
	return now.Status, nil
}

func (m *Monitor) pause() { m.once.Do(func() { close(m.Paused) }) }

// Ask puts a question to QEMU and decodes what it returns into answer, unless
// that is nil.
func (m *Monitor) Ask(command string, arguments, answer any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	question := map[string]any{"execute": command}
	if arguments != nil {
		question["arguments"] = arguments
	}
	_ = m.conn.SetWriteDeadline(time.Now().Add(monitorTime))
	if err := json.NewEncoder(m.conn).Encode(question); err != nil {
		return fmt.Errorf("asking QEMU to %s: %w", command, err)
	}
	select {
	case a, ok := <-m.answers:
		switch {
		case !ok:
			return fmt.Errorf("asking QEMU to %s: %w", command, errors.Join(m.err, net.ErrClosed))
		case a.Error != nil:
			return fmt.Errorf("asking QEMU to %s: %s", command, a.Error.Description)
		case answer == nil:
			return nil
		}
		return json.Unmarshal(a.Return, answer)
	case <-time.After(monitorTime):
		m.conn.Close() // a late answer is not taken for the next one's
		return fmt.Errorf("asking QEMU to %s: no answer within %s", command, monitorTime)
	}
}

// Connection is one line of QEMU's table of the user network.
type Connection struct {
	Protocol, State string
	SourcePort      int
	Port            int // in the machine, for what comes in
}

// Connections returns QEMU's table of the user network.
func (m *Monitor) Connections() ([]Connection, error) {
	var text string
	err := m.Ask("human-monitor-command", map[string]string{"command-line": "info usernet"}, &text)
	return parseConnections(text), err
}

// parseConnections reads lines such as
// "TCP[HOST_FORWARD]  8  127.0.0.1 35113  10.0.2.15 80  0 0".
func parseConnections(text string) []Connection {
	var all []Connection
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 6 {
			continue
		}
		protocol, state, ok := strings.Cut(strings.TrimSuffix(fields[0], "]"), "[")
		source, err := strconv.Atoi(fields[3])
		port, err2 := strconv.Atoi(fields[5])
		if ok && err == nil && err2 == nil {
			all = append(all, Connection{strings.ToLower(protocol), state, source, port})
		}
	}
	return all
}

// Pair returns the two ends of a socket: a connection for this program and a
// file for QEMU.
func Pair(name string) (net.Conn, *os.File, error) {
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
