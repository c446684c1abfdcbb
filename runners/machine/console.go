package machine

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/bakelite/bakelite/internal/program"
	"github.com/bakelite/bakelite/runners/probe"
)

const (
	// consoleLimit is what is kept of the console in its log file.
	consoleLimit = 4 << 20
	// consoleTail is what is kept in memory.
	consoleTail = 64 << 10
	// consoleShown is how many of its last lines an error shows.
	consoleShown = 15
	// consoleLine is the longest piece of a line that is searched.
	consoleLine = 4 << 10
	// consoleCause is how many lines of a cause are kept.
	consoleCause = 4
	// exception is the verdict on a kernel that met an exception.
	exception = "the kernel met an exception"
	// gaveUp, after an accelerator's name, is the verdict on one that met
	// what it cannot run.
	gaveUp = " cannot run this machine"
	// noRoom is the verdict on a machine whose changes the host cannot keep.
	noRoom = "there is no room for what the machine writes"
)

// fatalLines are the lines that end the wait: a line that holds both texts, and
// what it means. The first are the kernel's and dm-verity's, then systemd's,
// then the firmware's.
var fatalLines = []struct{ text, with, means string }{
	{"dm-verity device corrupted", "", "the root filesystem does not match its hash"},
	{"is corrupted", "verity", "the root filesystem does not match its hash"},
	{"Kernel panic - not syncing: Fatal exception", "", exception},
	{"Kernel panic - not syncing", "", "the kernel panicked"},
	{"You are in emergency mode", "", "the boot ended in emergency mode"},
	{"Cannot open access to console, the root account is locked", "", "the boot ended in emergency mode"},
	{"Freezing execution", "systemd", "systemd gave up"},
	{"No bootable option or device was found", "BdsDxe", "the firmware found nothing to boot"},
	{"EFI Internal Shell", "BdsDxe", "the firmware found nothing to boot"},
	{"Access Denied", "BdsDxe", "the firmware refused the boot loader's signature"},
}

// causeLines are texts of the lines that open the kernel's account of an
// exception; what follows, registers and a trace, is long.
var causeLines = []string{"BUG: ", "Oops: ", "RIP: 0010:"}

// console sees the serial console: it writes a bounded log, keeps the tail
// and watches for fatal lines.
type console struct {
	mu      sync.Mutex
	log     io.Writer
	left    int
	tail    *program.Tail
	line    []byte
	cause   []byte
	told    int
	verdict string
	failed  chan struct{}
}

func newConsole(log io.Writer) *console {
	return &console{log: log, left: consoleLimit, tail: program.NewTail(consoleTail), failed: make(chan struct{})}
}

// Write never fails: a full log must not stop the machine.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.tail.Write(p)
	if n := min(len(p), c.left); n > 0 {
		c.left -= n
		_, _ = c.log.Write(p[:n])
	}
	for _, b := range p {
		if b == '\n' || len(c.line) >= consoleLine {
			c.judge()
		} else {
			c.line = append(c.line, b)
		}
	}
	return len(p), nil
}

func (c *console) judge() {
	if c.verdict == "" {
		c.verdict = meaning(c.line)
		if c.verdict != "" {
			close(c.failed)
		}
	}
	if c.told < consoleCause && opensCause(c.line) {
		c.told++
		c.cause = append(append(c.cause, c.line...), '\n')
	}
	c.line = c.line[:0]
}

func opensCause(line []byte) bool {
	return slices.ContainsFunc(causeLines, func(text string) bool { return bytes.Contains(line, []byte(text)) })
}

// judged returns the verdict, "" where there is none.
func (c *console) judged() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.verdict
}

func meaning(line []byte) string {
	for _, o := range fatalLines {
		if bytes.Contains(line, []byte(o.text)) && bytes.Contains(line, []byte(o.with)) {
			return o.means
		}
	}
	return ""
}

// fail gives the verdict, unless there is one.
func (c *console) fail(verdict string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.verdict == "" {
		c.verdict = verdict
		close(c.failed)
	}
}

// failure is the verdict, or the given words, with what QEMU said and the
// last lines.
func (c *console) failure(words string, qemu []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.verdict != "" {
		words = c.verdict
	}
	if c.verdict == exception && c.told > 0 {
		words += ":\n" + probe.LastLines(c.cause, consoleCause)
	}
	if said := firstLines(qemu, consoleShown); said != "" {
		words += "; QEMU said:\n" + said + "\n"
	}
	return fmt.Errorf("%s; the console's last lines:\n%s", words, probe.LastLines(c.tail.Bytes(), consoleShown))
}

func firstLines(text []byte, n int) string {
	lines := probe.PlainLines(text)
	return strings.Join(lines[:min(len(lines), n)], "\n")
}
