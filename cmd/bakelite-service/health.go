package main

import (
	"bytes"
	"strconv"
	"syscall"
)

const (
	// askTime bounds each read and write, in seconds; the container engine
	// bounds the whole.
	askTime = 30
	// answerLimit is how much of an answer is read.
	answerLimit = 1 << 20
)

// askPort connects to a port of the service: PORT.
func askPort(words []string) {
	if len(words) != 1 {
		fail(exitUsage, "tcp PORT")
	}
	_ = syscall.Close(connect(words[0]))
}

// askPage asks for a page and looks at its status, and for a text where there
// is one: PORT PATH STATUS [TEXT].
func askPage(words []string) {
	if len(words) < 3 || len(words) > 4 {
		fail(exitUsage, "http PORT PATH STATUS [TEXT]")
	}
	fd := connect(words[0])
	question := "GET " + words[1] + " HTTP/1.0\r\nHost: 127.0.0.1:" + words[0] + "\r\nUser-Agent: bakelite-service\r\nConnection: close\r\n\r\n"
	if _, err := syscall.Write(fd, []byte(question)); err != nil {
		fail(exitUnhealthy, "asking for "+words[1]+": "+err.Error())
	}
	head, body := answer(fd)
	if status := statusOf(head); status != words[2] {
		fail(exitUnhealthy, words[1]+" answers "+status+", wanted "+words[2])
	}
	if len(words) == 4 && !bytes.Contains(body, []byte(words[3])) {
		fail(exitUnhealthy, words[1]+" answers without the text that it should hold")
	}
}

// connect returns a connection to a port of this host, by either protocol.
func connect(text string) int {
	port, err := strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		fail(exitUsage, "no port: "+text)
	}
	var last error
	for _, to := range []syscall.Sockaddr{
		&syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}, &syscall.SockaddrInet6{Port: port, Addr: [16]byte{15: 1}},
	} {
		family := syscall.AF_INET
		if _, six := to.(*syscall.SockaddrInet6); six {
			family = syscall.AF_INET6
		}
		fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			last = err
			continue
		}
		limit := syscall.Timeval{Sec: askTime}
		_ = syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit)
		_ = syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &limit)
		if last = syscall.Connect(fd, to); last == nil {
			return fd
		}
		_ = syscall.Close(fd)
	}
	fail(exitUnhealthy, "port "+text+": "+last.Error())
	return -1
}

// answer reads what comes, up to a bound, and parts the head from the rest.
func answer(fd int) (head, body []byte) {
	var all []byte
	piece := make([]byte, 4096)
	for len(all) < answerLimit {
		n, err := syscall.Read(fd, piece)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			fail(exitUnhealthy, "reading the answer: "+err.Error())
		}
		if n == 0 {
			break
		}
		all = append(all, piece[:n]...)
	}
	head, body, _ = bytes.Cut(all, []byte("\r\n\r\n"))
	return head, body
}

// statusOf is the code in the first line of an answer, "HTTP/1.1 200 OK"; what
// is no such line is no code.
func statusOf(head []byte) string {
	line, _, _ := bytes.Cut(head, []byte("\r\n"))
	words := bytes.Fields(line)
	if len(words) < 2 || !bytes.HasPrefix(words[0], []byte("HTTP/1.")) {
		return "no status"
	}
	return string(words[1])
}
