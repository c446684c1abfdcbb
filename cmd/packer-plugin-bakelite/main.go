// Command packer-plugin-bakelite is the Packer plugin of Bakelite: it
// registers the disk builder as "bakelite-disk" and nothing else. Packer
// starts it; the only words that a person may give it are "describe" and
// "engine stop".
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/hashicorp/packer-plugin-sdk/plugin"
	sdkversion "github.com/hashicorp/packer-plugin-sdk/version"
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/daemon"
	"github.com/bakelite/bakelite/builders/vm"
	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/checker"
)

// version is set by the release build, to the same as that of bakelite.
var version = "0.1.0-dev"

func main() {
	checker.Answer()
	unix.Umask(0o022) // as bakelite's own
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "packer-plugin-bakelite: %s\n", advised(err))
		code = fault.ExitCode(err)
	}
	os.Exit(code)
}

func run(args []string) (int, error) {
	switch {
	case len(args) > 1 && args[0] == "engine":
		return runEngine(args[1], args[2:])
	case len(args) > 0 && slices.Contains([]string{"describe", "start"}, args[0]):
		return 0, fault.Hint(newSet().RunCommand(args...), "packer starts this program; install it with: %s", install)
	}
	return 0, fault.Hint(fault.New(fault.Invalid, "this is a plugin for packer"), "run: %s", install)
}

const install = "packer plugins install --path packer-plugin-bakelite github.com/bakelite/bakelite"

func newSet() *plugin.Set {
	set := plugin.NewSet()
	set.SetVersion(sdkversion.NewRawVersion(packerVersion(version)))
	set.RegisterBuilder("disk", &vm.Builder{Check: check, Bake: makeDisk})
	return set
}

// runEngine answers the engine's start, which calls this program again, and
// "engine stop".
func runEngine(word string, args []string) (int, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if word != "stop" || len(args) > 0 {
		return compose.AnswerEngine(ctx, word, args)
	}
	s, err := load(vm.Config{})
	if err != nil {
		return 0, err
	}
	_, err = daemon.Stop(ctx, s.State)
	return 0, err
}
