package compose

import (
	"context"
	"flag"
	"io"
	"os"
	"time"

	"github.com/bakelite/bakelite/builders/daemon"
	"github.com/bakelite/bakelite/builders/stepnet"
	"github.com/bakelite/bakelite/internal/fault"
)

// The words by which an engine's start calls its own program again, after
// "engine".
const (
	serveWord   = "serve"
	confineWord = "confine"
)

// EngineWords returns the hidden commands below "engine" that every program
// which opens an engine must hand to AnswerEngine.
func EngineWords() []string { return []string{serveWord, confineWord} }

// AnswerEngine runs one of EngineWords with its arguments and returns the
// exit code that it ended with. Other words are fault.Invalid.
func AnswerEngine(ctx context.Context, word string, args []string) (int, error) {
	switch word {
	case serveWord:
		o, err := serveOptions(args)
		if err != nil {
			return 0, err
		}
		return 0, daemon.Serve(ctx, o)
	case confineWord:
		if len(args) > 0 && args[0] == "--" {
			args = args[1:]
		}
		return daemon.Confine(args)
	}
	return 0, fault.New(fault.Invalid, "engine %s: no such command", word)
}

func serveOptions(args []string) (o daemon.ServeOptions, err error) {
	flags := flag.NewFlagSet("engine "+serveWord, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.State, "folder", "", "the engine's state folder")
	flags.DurationVar(&o.Idle, "for", 10*time.Minute, "how long to wait for a connection")
	networks := flags.String("networks", "", "what steps reach besides public addresses")
	proxies := flags.Bool("proxies-on-stdin", false, "read the proxies that have passwords")
	flags.BoolVar(&o.Rootless, "rootless", false, "run as root of a user namespace only")
	if err := flags.Parse(args); err != nil {
		return o, fault.New(fault.Invalid, "engine %s: %w", serveWord, err)
	}
	if o.Networks, err = stepnet.ParseNetworks(*networks); err != nil {
		return o, fault.New(fault.Invalid, "engine %s: %w", serveWord, err)
	}
	if *proxies {
		o.Proxies = os.Stdin
	}
	if o.State == "" || flags.NArg() > 0 {
		return o, fault.New(fault.Invalid, "engine %s: wants --folder and no other words", serveWord)
	}
	return o, nil
}
