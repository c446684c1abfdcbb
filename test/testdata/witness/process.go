package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func (r report) process() {
	r["arguments"] = fmt.Sprintf("%q", os.Args[1:])
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		r["environment "+name] = fmt.Sprintf("%q", value)
	}
	r["folder"], _ = os.Getwd()
	groups, err := os.Getgroups()
	slices.Sort(groups)
	r["user"] = fmt.Sprint(os.Getuid(), os.Getgid(), groups, err)
	mask := unix.Umask(0o77)
	unix.Umask(mask)
	r["umask"] = fmt.Sprintf("%04o", mask)
	r["process 1"] = fmt.Sprint(os.Getpid() == 1)
	r["time zone"], _ = time.Now().Zone()
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "SigIgn":
			r["status "+key] = strings.TrimSpace(value)
		}
	}
	adjustment, _ := os.ReadFile("/proc/self/oom_score_adj")
	r["oom score"] = strings.TrimSpace(string(adjustment))
}

// streams opens the standard streams by name, as programs do that log to a
// file which is named in their configuration.
func (r report) streams() {
	for _, name := range []string{"/dev/stdout", "/dev/stderr", "/proc/self/fd/1", "/proc/self/fd/2"} {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
		if err == nil {
			_, err = fmt.Fprintln(f, "a line through "+name)
			f.Close()
		}
		r["open "+name] = outcome(err)
	}
	_, err := fmt.Println("a line on standard output")
	r["write to standard output"] = outcome(err)
	n, err := os.Stdin.Read(make([]byte, 1))
	r["read standard input"] = fmt.Sprint(n, " ", err)
}

func (r report) limits() {
	for name, number := range map[string]int{
		"AS": unix.RLIMIT_AS, "CORE": unix.RLIMIT_CORE, "CPU": unix.RLIMIT_CPU, "DATA": unix.RLIMIT_DATA, "FSIZE": unix.RLIMIT_FSIZE,
		"LOCKS": unix.RLIMIT_LOCKS, "MEMLOCK": unix.RLIMIT_MEMLOCK, "NOFILE": unix.RLIMIT_NOFILE, "STACK": unix.RLIMIT_STACK,
		"NICE": unix.RLIMIT_NICE, "RTPRIO": unix.RLIMIT_RTPRIO,
	} {
		var l unix.Rlimit
		err := unix.Getrlimit(number, &l)
		r["limit "+name] = fmt.Sprint(int64(l.Max), " ", outcome(err)) // Go raises the soft one of files itself
	}
}
