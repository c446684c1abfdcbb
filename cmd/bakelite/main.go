// Command bakelite bakes hardened container images and VM disks from one app
// file.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/plain"
	"github.com/bakelite/bakelite/internal/strict"
	"github.com/bakelite/bakelite/scan/checker"
)

// version is set by the release build.
var version = "0.1.0-dev"

func main() {
	checker.Answer()
	// What is baked and run is the same whatever the caller's umask; what is
	// private states its own mode.
	unix.Umask(0o022)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	err := execute(ctx)
	stop()
	if err != nil {
		complain(err)
	}
	os.Exit(fault.ExitCode(err))
}

// execute runs the command that was asked for. To cobra a word that is no
// command and --help are a request for help.
func execute(ctx context.Context) error {
	c := root()
	var refused error
	show := c.HelpFunc()
	c.SetHelpFunc(func(asked *cobra.Command, args []string) {
		if words := asked.Flags().Args(); asked.HasSubCommands() && len(words) > 0 {
			refused = refuseUnknown(asked, words)
			return
		}
		show(asked, args)
	})
	return cmp.Or(c.ExecuteContext(ctx), refused)
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use:   "bakelite",
		Short: "Bake hardened container images and VM disks from one app file",
		Long: `Bakelite makes a hardened container image and a hardened, bootable VM disk
from one app file and one pinned root filesystem, tests both, and rebuilds
them when, and only when, something beneath them changed.

  bakelite init web        write a commented app file
  bakelite build web       bake and test both images
  bakelite publish web     bake, scan, judge, sign and publish both
  bakelite rebuild web     take the archive's updates and bake what changed`,
		Version:       version,
		Args:          cobra.ArbitraryArgs,
		RunE:          refuseUnknown,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	settings.AddFlags(c.PersistentFlags())
	c.PersistentFlags().Bool(verbose, false, "Show all that steps write; the same as --progress full.")
	c.SetFlagErrorFunc(refuseFlag)
	c.PersistentPreRunE = func(asked *cobra.Command, _ []string) error {
		err := errors.Join(asked.ValidateRequiredFlags(), asked.ValidateFlagGroups())
		return fault.Hint(fault.As(fault.Invalid, err), "run: %s --help", asked.CommandPath())
	}
	c.AddCommand(completeApps(buildCommand(), publishCommand(), rebuildCommand(), outdatedCommand(), clockCommand(), lockCommand(), bootCommand(), runCommand(), profileCommand())...)
	c.AddCommand(completeFiles(scanCommand(), checkCommand(), verifyCommand(), inspectCommand(), reportCommand(), diffCommand())...)
	c.AddCommand(completeFiles(promoteCommand(), rollbackCommand(), revokeCommand(), channelsCommand(), lineageCommand())...)
	c.AddCommand(keygenCommand(), hostCheckCommand())
	c.AddCommand(initCommand(), schemaCommand(), configCommand(), doctorCommand(), versionCommand(), engineCommand())
	c.InitDefaultHelpCmd()
	c.InitDefaultCompletionCmd()
	for _, sub := range c.Commands() {
		switch {
		case sub.Name() == "help":
			sub.Run, sub.RunE = nil, help
		case sub.HasSubCommands():
			sub.Args, sub.RunE = cobra.ArbitraryArgs, refuseUnknown
			classifyArguments(sub.Commands())
		}
	}
	return c
}

// classifyArguments gives the commands below another the exit code of mistakes,
// those too that cobra itself makes.
func classifyArguments(commands []*cobra.Command) {
	for _, c := range commands {
		if c.Args != nil {
			c.Args = checked(c.Args)
		}
	}
}

// help is cobra's own, but for words that are no command.
func help(c *cobra.Command, words []string) error {
	asked, rest, err := c.Root().Find(words)
	if err != nil || len(rest) > 0 {
		return refuseUnknown(asked, rest)
	}
	return asked.Help()
}

// complain prints an error for a person: what happened, and what to do next.
func complain(err error) {
	if all, ok := err.(interface{ Unwrap() []error }); ok { // the error itself, not one in it
		for _, one := range all.Unwrap() {
			complain(one)
		}
		return
	}
	fmt.Fprintf(os.Stderr, "bakelite: %s\n", plain.Text(strings.TrimSpace(err.Error())))
	if hint := fault.HintOf(err); hint != "" {
		fmt.Fprintf(os.Stderr, "  next: %s\n", plain.Text(hint))
	}
}

// refuseFlag says which flag may have been meant.
func refuseFlag(c *cobra.Command, err error) error {
	refused := fault.As(fault.Invalid, err)
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) {
		var known []string
		c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if near := strict.Nearest(unknown.GetSpecifiedName(), known); near != "" {
			return fault.Hint(refused, "did you mean: --%s", near)
		}
	}
	return fault.Hint(refused, "run: %s --help", c.CommandPath())
}

// suggestionDistance is how many letters a word may be off.
const suggestionDistance = 2

// refuseUnknown shows the help, or says which command may have been meant.
func refuseUnknown(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	err := fault.New(fault.Invalid, "unknown command %q", args[0])
	c.SuggestionsMinimumDistance = suggestionDistance
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		return fault.Hint(err, "did you mean: %s %s", c.CommandPath(), strings.Join(near, ", "))
	}
	return fault.Hint(err, "run: %s --help", c.CommandPath())
}
