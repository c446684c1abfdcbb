package main

import (
	"strconv"
	"syscall"
)

// start reads what to do word by word and does it in that order:
//
//	need KIND NAME PATH    a file must be there
//	prepare MARK ID        the commands that follow run unless MARK says ID
//	run COUNT WORD...      one of them
//	exec WORD...           becomes the service
func start(words []string) {
	var missing int
	var p *preparation
	for len(words) > 0 {
		word, rest := words[0], words[1:]
		switch {
		case word == "need" && len(rest) >= 3:
			missing += need(rest[0], rest[1], rest[2])
			words = rest[3:]
		case word == "prepare" && len(rest) >= 2:
			p = newPreparation(rest[0], rest[1])
			words = rest[2:]
		case word == "run" && len(rest) >= 2:
			count, err := strconv.Atoi(rest[0])
			if err != nil || p == nil || count < 1 || len(rest) <= count {
				fail(exitUsage, "run "+rest[0])
			}
			p.commands = append(p.commands, rest[1:1+count])
			words = rest[1+count:]
		case word == "exec" && len(rest) > 0:
			if missing > 0 {
				syscall.Exit(exitConfig)
			}
			p.make()
			become(rest)
		default:
			fail(exitUsage, "unknown word "+word)
		}
	}
	fail(exitUsage, "exec is missing")
}

// need looks for a secret or setting and returns how many are missing.
func need(kind, name, path string) int {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err == nil {
		_ = syscall.Close(fd)
		return 0
	}
	say("the " + kind + " " + name + " is missing: " + path + ": " + err.Error())
	return 1
}

// become replaces this program by the service.
func become(command []string) {
	err := syscall.Exec(command[0], command, syscall.Environ())
	fail(exitStart(err), command[0]+": "+err.Error())
}

// exitStart is the shell's code for a program that cannot be started.
func exitStart(err error) int {
	if err == syscall.ENOENT {
		return 127
	}
	return 126
}
