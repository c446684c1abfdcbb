package main

import (
	"strconv"
	"syscall"
)

// preparation are commands that run once for a state.
type preparation struct {
	mark, id string
	commands [][]string
}

func newPreparation(mark, id string) *preparation { return &preparation{mark: mark, id: id} }

// make runs the commands where the mark does not say that they ran. The mark
// comes last and at once, so that a preparation which fails, or is ended half
// way, runs again; its commands must cope with what they left.
func (p *preparation) make() {
	if p == nil || p.done() {
		return
	}
	for _, command := range p.commands {
		if code := run(command); code != 0 {
			fail(code, "preparing the state: "+command[0]+" ended with exit code "+strconv.Itoa(code)+"; it runs again at the next start")
		}
	}
	if err := p.note(); err != nil {
		fail(exitConfig, "preparing the state: "+p.mark+": "+err.Error())
	}
}

// markLimit bounds what is read of a mark.
const markLimit = 256

func (p *preparation) done() bool {
	fd, err := syscall.Open(p.mark, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	text := make([]byte, markLimit)
	n, err := syscall.Read(fd, text)
	return err == nil && string(text[:n]) == p.id+"\n"
}

// note writes the mark, after all that was prepared, beside its name and to the
// disk, and moves the name last.
func (p *preparation) note() error {
	syscall.Sync()
	beside := p.mark + ".new"
	fd, err := syscall.Open(beside, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_TRUNC|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = syscall.Write(fd, []byte(p.id+"\n"))
	if err == nil {
		err = syscall.Fsync(fd)
	}
	if closed := syscall.Close(fd); err == nil {
		err = closed
	}
	if err == nil {
		err = syscall.Rename(beside, p.mark)
	}
	return err
}

// run runs a command to its end; of what a signal ended the code is 128 and the
// signal's number.
func run(command []string) int {
	pid, err := syscall.ForkExec(command[0], command, &syscall.ProcAttr{Env: syscall.Environ(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		say(command[0] + ": " + err.Error())
		return exitStart(err)
	}
	for {
		var status syscall.WaitStatus
		ended, err := syscall.Wait4(-1, &status, 0, nil) // a container's first process has others' children too
		switch {
		case err == syscall.EINTR, err == nil && ended != pid:
		case err != nil:
			return exitConfig
		case status.Signaled():
			return 128 + int(status.Signal())
		case status.Exited():
			return status.ExitStatus()
		}
	}
}
